"""A typed client of a site over HTTP. A question is a value; a client, sync or async, asks it and returns a record.

    with SiteClient("http://127.0.0.1:8000") as site:
        page = site.ask(site_requests.alerts(status="new"))
        for event in site.events_with_alerts(after=page.event_id):
            ...

Problem documents become errors of :mod:`lfr_ray.errors`.
"""
