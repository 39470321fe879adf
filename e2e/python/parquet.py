"""Reads an export as pyarrow, pandas, Polars and DuckDB see it, and prints {tool: [row, ...]} as JSON.

Usage: parquet.py FILE. So that nothing gets lost on the way, whole numbers are printed as {"int": "..."}, fractions as {"double": "..."};
times are whole numbers of nanoseconds. Texts of attributes are parsed.
"""

import json
import math
import sys

import duckdb
import pandas
import polars
import pyarrow as pa
import pyarrow.parquet

path = sys.argv[1]
TEXTS = {"span_attributes", "resource_attributes", "scope_attributes", "attributes"}


def plain(value, name=""):
    if value is None or value is pandas.NA or value is pandas.NaT:
        return None
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return {"int": str(value)}
    if isinstance(value, float):
        if math.isnan(value):
            return {"double": "NaN"}
        return {"double": "Infinity" if value == math.inf else "-Infinity" if value == -math.inf else repr(value)}
    if isinstance(value, pandas.Timestamp):
        return {"int": str(value.value)}
    if isinstance(value, str):
        return plain(json.loads(value)) if name in TEXTS else value
    if isinstance(value, dict):
        return {key: plain(item, key) for key, item in value.items()}
    return [plain(item) for item in value]


def rows(items):
    return [plain(item) for item in items]


arrow = pyarrow.parquet.read_table(path)
assert arrow.schema.field("start").type == pa.timestamp("ns", tz="UTC"), arrow.schema.field("start").type
assert arrow.schema.field("duration_ns").type == pa.int64()

frame = pandas.read_parquet(path, dtype_backend="pyarrow")

NS = polars.Int64
table = polars.read_parquet(path)
assert table.schema["start"] == polars.Datetime("ns", "UTC"), table.schema["start"]
event = polars.List(
    polars.Struct({"time": NS, "name": polars.String, "attributes": polars.String, "dropped_attributes": NS})
)
table = table.with_columns(polars.col("start").cast(NS), polars.col("events").cast(event))

sql = duckdb.sql(
    f"""select * replace (
      epoch_ns("start") as "start",
      list_transform(events, lambda e: {{
        'time': epoch_ns(e."time"), 'name': e."name", 'attributes': e.attributes, 'dropped_attributes': e.dropped_attributes
      }}) as events
    ) from '{path}'"""
)
types = dict(zip(sql.columns, map(str, duckdb.sql(f"from '{path}'").types)))
assert types["start"].startswith("TIMESTAMP"), types["start"]

# What somebody would ask.
[slow] = duckdb.sql(
    f"""select service, count(*) as spans, max(duration_ns) as longest, count(*) filter (status = 'error') as errors
    from '{path}' group by service having service = 'shop'"""
).fetchall()
[exceptions] = duckdb.sql(
    f"""select count(*) from (select unnest(events, recursive := true) from '{path}')"""
).fetchall()
[nested] = duckdb.sql(f"""select distinct json_extract_string(span_attributes, '$.map.inner[0]') from '{path}' where span_attributes like '%"map"%'""").fetchall()

print(
    json.dumps(
        {
            "rows": {
                "pyarrow": rows(arrow.to_pylist()),
                "pandas": rows(frame.to_dict("records")),
                "polars": rows(table.to_dicts()),
                "duckdb": rows(dict(zip(sql.columns, row)) for row in sql.fetchall()),
            },
            "asked": {"shop": slow, "events": exceptions[0], "nested": nested[0]},
        }
    )
)
