"""`lfr plan` on the terminal: how many nodes work, and which is the head."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from lfr_ray.cli import plan

SITE = Path(__file__).resolve().parents[3] / "serve_configs" / "local.yaml"


def call(*arguments: str) -> str:
    app = typer.Typer()
    app.add_typer(plan.app)
    app.command("other")(lambda: None)  # with two commands typer keeps the command's name
    result = CliRunner(env={"COLUMNS": "200"}).invoke(app, ["plan", str(SITE), *arguments])
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.mark.parametrize(
    ("cameras", "nodes", "heads", "said"),
    [("1", 1, 0, "the same node"), ("200", 8, 1, "1 more beside them, for matcher, desk and HTTP")],
)
def test_the_head_of_several_nodes_is_counted_beside_them(cameras: str, nodes: int, heads: int, said: str) -> None:
    words = ("--cameras", cameras, "--people", "20", "--hardware", "epyc-bf16")
    found = json.loads(call(*words, "--json", "-"))
    assert (found["nodes"], found["heads"]) == (nodes, heads)
    shown = call(*words)
    assert said in shown
    assert ("--num-cpus=0" in shown) == bool(heads)


def test_given_nodes_are_those_that_work() -> None:
    found = json.loads(call("--cameras", "40", "--node-cpus", "8", "--nodes", "2", "--json", "-"))
    assert (found["nodes"], found["heads"]) == (2, 1)
    assert found["looked_at"] < 1


@pytest.mark.parametrize(("site", "told"), [("van.yaml", True), ("local.yaml", False)])
def test_a_site_that_asks_for_a_gpu_is_told_that_it_was_planned_without(site: str, *, told: bool) -> None:
    terminal = typer.Typer()
    terminal.add_typer(plan.app)
    terminal.command("other")(lambda: None)
    words = ["plan", str(SITE.with_name(site)), "--hardware", "epyc-bf16", "--json", "-"]
    result = CliRunner(env={"COLUMNS": "200"}).invoke(terminal, words)
    assert result.exit_code == 0
    assert ("planned for processors" in result.stderr) is told


def test_a_site_with_other_models_than_the_table_is_told_so(tmp_path: Path) -> None:
    text = SITE.read_text(encoding="utf-8")
    for embedder, told in (("mobilefacenet_ms1m_tflite", ""), ("dlib_resnet", "dlib_resnet, epyc-bf16 mobilefacenet")):
        own = tmp_path / f"{embedder}.yaml"
        both = f'embedder: {{model: {embedder}}}\n      second_embedder: {{model: "sface_2021dec"}}'
        own.write_text(text.replace("embedder: {cpus: 0.3}", both), encoding="utf-8")
        terminal = typer.Typer()
        terminal.add_typer(plan.app)
        terminal.command("other")(lambda: None)
        result = CliRunner(env={"COLUMNS": "200"}).invoke(terminal, ["plan", str(own), "--hardware", "epyc-bf16"])
        assert result.exit_code == 0, result.output
        assert ("another model's times" in result.stderr) is bool(told)
        assert told in " ".join(result.stderr.split())
        assert "second embedders" in result.stdout
