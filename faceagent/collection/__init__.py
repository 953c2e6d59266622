"""Reports on collections: as many files as there are, by several workers, nothing lost when one of them ends.

    OUT/collection.json     what is examined and how, fixed when it begins
    OUT/manifest.jsonl      the files, in order
    OUT/shards/00007.jsonl  what was found of one stretch of them, a line a file; whole, or not there yet
    OUT/index.csv           a row a file        OUT/overview.html, overview.json      the whole in one minute

OUT is a folder or an address in a store (`place`), which has run.txt too. Where it is asked for there is recurring.json
(`recurring`), and the same as Parquet elsewhere (`export`).

A shard is the unit of work of every engine, and depends on its files alone, so it is the same whoever makes it and
however often that was tried (docs/decisions/0033).
"""

from __future__ import annotations

from faceagent.collection.manifest import Collection

__all__ = ["Collection"]
