"""Rows of queries as DuckDB answers them, over `incidents` and `raw."311_cases"` of the same published rows."""
import datetime
import decimal
import json
import sys

import duckdb

given = json.load(sys.stdin)
columns = {"id": "service_request_id", "occurred_at": "requested_datetime", "closed_at": "closed_date",
           "category": "service_name", "subcategory": "service_subtype", "status": "status_description",
           "district": "police_district"}
times = {"occurred_at", "closed_at"}
connection = duckdb.connect()
connection.execute("SET TimeZone = 'UTC'")
connection.execute("CREATE TABLE incidents (" + ", ".join(
    f"{name} {'TIMESTAMP' if name in times else 'VARCHAR'}" for name in columns) + ")")
connection.execute('CREATE SCHEMA raw')
connection.execute('CREATE TABLE raw."311_cases" (_key VARCHAR, requested_datetime TIMESTAMP, closed_date TIMESTAMP)')
for row in given["rows"]:
    values = {name: row.get(column) for name, column in columns.items()}
    # Values that no incident can have: the rule of `incidents`.
    possible = {name: value if name not in times or value is None or "1900" < value[:4] < "2100" else None
                for name, value in values.items()}
    connection.execute(f"INSERT INTO incidents VALUES ({', '.join('?' * len(columns))})", list(possible.values()))
    connection.execute('INSERT INTO raw."311_cases" VALUES (?, ?, ?)',
                       [values["id"], values["occurred_at"], values["closed_at"]])


def plain(value):
    if isinstance(value, decimal.Decimal):
        return float(value)
    if isinstance(value, datetime.datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, (list, tuple)):
        return [plain(part) for part in value]
    return value


answers = []
for query in given["queries"]:
    found = connection.execute(query)
    names = [column[0] for column in found.description]
    answers.append([dict(zip(names, map(plain, row))) for row in found.fetchall()])
json.dump(answers, sys.stdout)
