"""The chain of one camera, without Ray: detect, follow, choose views, embed, match, raise."""
