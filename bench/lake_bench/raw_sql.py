"""What compaction does, as SQL of DuckDB and ClickHouse: the same outputs from the same raw files, without H3."""

from .sql_text import quote_text

# The columns of an incident from a raw row of each resource, by roles of its definition.
ROLES = {
    "311-cases": {
        "occurred_at": "requested_datetime",
        "closed_at": "closed_date",
        "category": "service_name",
        "subcategory": "service_subtype",
        "status": "status_description",
        "district": "police_district",
        "neighborhood": "neighborhoods_sffind_boundaries",
        "latitude": "lat",
        "longitude": "long",
    },
    "fire-ems-calls": {
        "occurred_at": "received_dttm",
        "closed_at": "available_dttm",
        "category": "call_type",
        "subcategory": "call_type_group",
        "status": "call_final_disposition",
        "district": "battalion",
        "neighborhood": "neighborhoods_analysis_boundaries",
        "latitude": "case_location.latitude",
        "longitude": "case_location.longitude",
    },
    "police-department-incidents": {
        "occurred_at": "incident_datetime",
        "closed_at": None,
        "category": "incident_category",
        "subcategory": "incident_subcategory",
        "status": "resolution",
        "district": "police_district",
        "neighborhood": "analysis_neighborhood",
        "latitude": "latitude",
        "longitude": "longitude",
    },
    "traffic-crashes": {
        "occurred_at": "collision_datetime",
        "closed_at": None,
        "category": "collision_severity",
        "subcategory": "type_of_collision",
        "status": None,
        "district": "police_district",
        "neighborhood": "analysis_neighborhood",
        "latitude": "point.latitude",
        "longitude": "point.longitude",
    },
}
COUNTED = "category, subcategory, district, neighborhood"
# A square of some hundred metres takes the place of the cell.
SQUARE = "CAST(floor(latitude * 900) * 1000000 + floor(longitude * 700) AS BIGINT)"


# The types of columns that a resource may lack.
DUCKDB_TYPES = {"closed_at": "TIMESTAMP", "status": "VARCHAR"}
CLICKHOUSE_TYPES = {"closed_at": "Nullable(DateTime64(6))", "status": "Nullable(String)"}


def incident_columns(resource: str, types: dict[str, str]) -> str:
    """Returns the columns of an incident from a raw row; what the resource does not have is null."""
    columns = []
    for name, column in ROLES[resource].items():
        columns.append(f"{column or f'CAST(NULL AS {types[name]})'} AS {name}")
    return ", ".join(columns)


def duckdb_compaction(resource: str, files: list[str], folder: str) -> list[str]:
    """Returns the statements that write `incidents` and `counts` of a resource, partitioned by year."""
    listed = ", ".join(map(quote_text, files))
    options = "FORMAT parquet, COMPRESSION zstd, PARTITION_BY (year), OVERWRITE_OR_IGNORE"
    return [
        f"CREATE OR REPLACE TEMP TABLE current AS SELECT *, year(occurred_at) AS year, {SQUARE} AS square FROM ("
        f"SELECT _key AS id, {incident_columns(resource, DUCKDB_TYPES)}, _updated_at AS updated_at "
        f"FROM read_parquet([{listed}], hive_partitioning = false) WHERE _key IS NOT NULL "
        "QUALIFY row_number() OVER (PARTITION BY _key ORDER BY _batch DESC, _row DESC) = 1 AND NOT _deleted)",
        f"COPY (SELECT * FROM current ORDER BY year, occurred_at, square, id) "
        f"TO {quote_text(f'{folder}/incidents/resource={resource}')} ({options})",
        f"COPY (SELECT date_trunc('hour', occurred_at) AS occurred_at, square, {COUNTED}, count(*) AS count, year "
        f"FROM current GROUP BY ALL ORDER BY year, occurred_at, square) "
        f"TO {quote_text(f'{folder}/counts/resource={resource}')} ({options})",
        "DROP TABLE current",
    ]


def clickhouse_compaction(resource: str, files: list[str], folder: str) -> list[str]:
    """Returns the same as statements of ClickHouse, with one file of each table: it partitions no sorted output."""
    sources = " UNION ALL ".join(
        f"SELECT _key AS id, {incident_columns(resource, CLICKHOUSE_TYPES)}, _updated_at AS updated_at, "
        f"_batch, _row, _deleted "
        f"FROM file({quote_text(file)}, Parquet)"
        for file in files
    )
    square = "toInt64(floor(latitude * 900) * 1000000 + floor(longitude * 700))"
    settings = (
        "SETTINGS output_format_parquet_compression_method = 'zstd', use_hive_partitioning = 0, "
        "session_timezone = 'UTC'"
    )
    target = f"{folder}/{{}}-{resource}.parquet"
    return [
        "DROP TABLE IF EXISTS city.current",
        "CREATE TABLE city.current ENGINE = MergeTree ORDER BY tuple() AS SELECT * EXCEPT (_batch, _row, _deleted), "
        f"toYear(occurred_at) AS year, {square} AS square FROM ("
        f"SELECT * FROM ({sources}) ORDER BY _batch DESC, _row DESC LIMIT 1 BY id) WHERE NOT _deleted {settings}",
        f"INSERT INTO FUNCTION file({quote_text(target.format('incidents'))}, Parquet) "
        f"SELECT * FROM city.current ORDER BY year, occurred_at, square, id {settings}",
        f"INSERT INTO FUNCTION file({quote_text(target.format('counts'))}, Parquet) "
        f"SELECT toStartOfHour(occurred_at) AS hour, square, {COUNTED}, count() AS count, year FROM city.current "
        f"GROUP BY hour, square, {COUNTED}, year ORDER BY year, hour, square {settings}",
    ]
