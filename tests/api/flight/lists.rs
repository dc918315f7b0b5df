//! The metadata that drivers request first: catalogs, schemas, tables, types, capabilities, keys; and prepared
//! statements.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, AsArray as _, BooleanArray, Date32Array, Float64Array, Int32Array, Int64Array, NullArray, RecordBatch,
    StringArray, TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, Int32Type, Int64Type, Schema};
use arrow::util::display::array_value_to_string;
use arrow_flight::sql::{
    CommandGetCrossReference, CommandGetDbSchemas, CommandGetExportedKeys, CommandGetImportedKeys,
    CommandGetPrimaryKeys, CommandGetTables, CommandGetXdbcTypeInfo, SqlInfo,
};
use arrow_flight::{FlightClient, FlightInfo, IpcMessage};
use bytes::Bytes;
use futures::TryStreamExt as _;
use tonic::Code;

use super::{Client, Flight, first_number, lake, status_of, ticket_of, try_rows};

/// Returns the rows of a list, whose columns must be those that were announced.
async fn listed(client: &mut Client, info: FlightInfo) -> RecordBatch {
    let announced = info.clone().try_decode_schema().expect("a schema");
    let (schema, batches) = try_rows(client, ticket_of(&info)).await.expect("a list");
    assert_eq!(*schema, announced);
    arrow::compute::concat_batches(&schema, &batches).expect("one list")
}

fn texts(batch: &RecordBatch) -> Vec<Vec<String>> {
    let text = |row, column: &ArrayRef| array_value_to_string(column, row).expect("a text");
    (0..batch.num_rows()).map(|row| batch.columns().iter().map(|column| text(row, column)).collect()).collect()
}

fn tables(pattern: Option<&str>, table: Option<&str>, kinds: &[&str], include_schema: bool) -> CommandGetTables {
    CommandGetTables {
        catalog: None,
        db_schema_filter_pattern: pattern.map(str::to_owned),
        table_name_filter_pattern: table.map(str::to_owned),
        table_types: kinds.iter().map(|kind| (*kind).to_owned()).collect(),
        include_schema,
    }
}

#[tokio::test]
async fn catalogs_schemas_tables_and_their_columns_are_listed() {
    let bench = lake();
    let flight = Flight::start(&bench.program(), &[]);
    let mut client = flight.client().await;

    let info = client.get_catalogs().await.expect("catalogs");
    assert_eq!(texts(&listed(&mut client, info).await), [["lake"]]);
    let all = CommandGetDbSchemas::default();
    let info = client.get_db_schemas(all).await.expect("schemas");
    assert_eq!(texts(&listed(&mut client, info).await), [["lake", "main"], ["lake", "raw"], ["lake", "stored"]]);
    let some =
        CommandGetDbSchemas { catalog: Some("lake".to_owned()), db_schema_filter_pattern: Some("s%".to_owned()) };
    let info = client.get_db_schemas(some).await.expect("schemas");
    assert_eq!(texts(&listed(&mut client, info).await), [["lake", "stored"]]);

    let info = client.get_tables(tables(None, None, &[], false)).await.expect("tables");
    assert_eq!(
        texts(&listed(&mut client, info).await),
        [
            ["lake", "main", "boundaries", "VIEW"],
            ["lake", "main", "counts", "VIEW"],
            ["lake", "main", "incidents", "VIEW"],
            ["lake", "main", "rejects", "VIEW"],
            ["lake", "raw", "311_cases", "TABLE"],
            ["lake", "stored", "boundaries", "TABLE"],
            ["lake", "stored", "counts", "TABLE"],
            ["lake", "stored", "fast_counts", "TABLE"],
            ["lake", "stored", "incidents", "TABLE"],
            ["lake", "stored", "rejects", "TABLE"],
        ]
    );
    let info = client.get_tables(tables(Some("stored"), Some("%counts"), &["TABLE"], false)).await.expect("tables");
    let names: Vec<String> = texts(&listed(&mut client, info).await).into_iter().map(|row| row[2].clone()).collect();
    assert_eq!(names, ["counts", "fast_counts"]);
    let info = client.get_tables(tables(None, None, &["NO SUCH TYPE"], true)).await.expect("tables");
    assert_eq!(listed(&mut client, info).await.num_rows(), 0);
    let info = client.get_table_types().await.expect("types of tables");
    assert_eq!(texts(&listed(&mut client, info).await), [["TABLE"], ["VIEW"]]);

    // The columns that are listed are those that a query of the table has.
    let info = client.get_tables(tables(None, None, &[], true)).await.expect("tables");
    let with_columns = listed(&mut client, info).await;
    assert_eq!(with_columns.num_rows(), 10);
    for row in 0..with_columns.num_rows() {
        let text = |column: usize| with_columns.column(column).as_string::<i32>().value(row);
        let bytes = Bytes::copy_from_slice(with_columns.column(4).as_binary::<i32>().value(row));
        let columns = Schema::try_from(IpcMessage(bytes)).expect("a schema");
        let query = format!("SELECT * FROM {}.{}.\"{}\"", text(0), text(1), text(2));
        let info = client.execute(query, None).await.expect("a plan");
        let queried = info.try_decode_schema().expect("a schema");
        let names = |schema: &Schema| -> Vec<(String, DataType)> {
            schema.fields().iter().map(|f| (f.name().clone(), f.data_type().clone())).collect()
        };
        assert_eq!(names(&columns), names(&queried), "{}.{}", text(1), text(2));
    }
}

#[tokio::test]
async fn patterns_of_names_have_wildcards_and_an_escape() {
    let bench = lake();
    let flight = Flight::start(&bench.program(), &[]);
    let mut client = flight.client().await;
    for (schema, table, found) in [
        ("main", "incident_", &["main.incidents"][..]),
        ("m__n", "c_unts", &["main.counts"]),
        ("%", "incident%", &["main.incidents", "stored.incidents"]),
        ("stored", "%\\_%", &["stored.fast_counts"]),
        ("raw", "311\\_cases", &["raw.311_cases"]),
        ("raw", "311_cases", &["raw.311_cases"]),
        ("raw", "311-cases", &[]),
        ("main", "incident\\_", &[]),
        ("main", "count\\%", &[]),
        ("main", "INCIDENTS", &[]),
        ("main", "incidents.", &[]),
        ("main", "", &[]),
        ("", "incidents", &[]),
        ("mai", "incidents", &[]),
    ] {
        let info = client.get_tables(tables(Some(schema), Some(table), &[], false)).await.expect("tables");
        let rows = texts(&listed(&mut client, info).await);
        let names: Vec<String> = rows.iter().map(|row| format!("{}.{}", row[1], row[2])).collect();
        assert_eq!(names, found, "{schema} {table}");
    }
    for (pattern, found) in [("_aw", &["raw"][..]), ("%a%", &["main", "raw"]), ("ra\\_", &[]), ("RAW", &[]), ("", &[])]
    {
        let command = CommandGetDbSchemas { catalog: None, db_schema_filter_pattern: Some(pattern.to_owned()) };
        let info = client.get_db_schemas(command).await.expect("schemas");
        let rows = texts(&listed(&mut client, info).await);
        assert_eq!(rows.iter().map(|row| row[1].as_str()).collect::<Vec<_>>(), found, "{pattern}");
    }
    // A catalog is matched by its complete name, and "" means tables without one.
    for (catalog, count) in [("lake", 3), ("lak_", 0), ("", 0)] {
        let command = CommandGetDbSchemas { catalog: Some(catalog.to_owned()), db_schema_filter_pattern: None };
        let info = client.get_db_schemas(command).await.expect("schemas");
        assert_eq!(listed(&mut client, info).await.num_rows(), count, "{catalog}");
    }
}

#[tokio::test]
async fn keys_types_and_capabilities_are_told() {
    let bench = lake();
    let flight = Flight::start(&bench.program(), &[]);
    let mut client = flight.client().await;

    let table = || "incidents".to_owned();
    let keys = CommandGetPrimaryKeys { catalog: None, db_schema: None, table: table() };
    let infos = [
        client.get_primary_keys(keys).await,
        client.get_exported_keys(CommandGetExportedKeys { catalog: None, db_schema: None, table: table() }).await,
        client.get_imported_keys(CommandGetImportedKeys { catalog: None, db_schema: None, table: table() }).await,
        client
            .get_cross_reference(CommandGetCrossReference {
                pk_table: table(),
                fk_table: "counts".to_owned(),
                ..CommandGetCrossReference::default()
            })
            .await,
    ];
    for (info, columns) in infos.into_iter().zip([6, 13, 13, 13]) {
        let keys = listed(&mut client, info.expect("keys")).await;
        assert_eq!((keys.num_rows(), keys.num_columns()), (0, columns));
    }

    let info = client.get_xdbc_type_info(CommandGetXdbcTypeInfo { data_type: None }).await.expect("types");
    let types = listed(&mut client, info).await;
    let names: Vec<String> = texts(&types).into_iter().map(|row| row[0].clone()).collect();
    for name in ["BIGINT", "DOUBLE", "VARCHAR", "TIMESTAMP", "BOOLEAN"] {
        assert!(names.iter().any(|known| known == name), "{name} in {names:?}");
    }
    let numbers: Vec<i32> = types.column(1).as_primitive::<Int32Type>().values().to_vec();
    assert!(numbers.is_sorted(), "{numbers:?}");
    let info = client.get_xdbc_type_info(CommandGetXdbcTypeInfo { data_type: Some(-5) }).await.expect("a type");
    assert_eq!(texts(&listed(&mut client, info).await)[0][0], "BIGINT");

    let info = client.get_sql_info(Vec::new()).await.expect("capabilities");
    let facts: BTreeMap<String, String> =
        texts(&listed(&mut client, info).await).into_iter().map(|row| (row[0].clone(), row[1].clone())).collect();
    let fact = |info: SqlInfo| facts.get(&(info as i32).to_string()).map(String::as_str).unwrap_or_default();
    assert!(fact(SqlInfo::FlightSqlServerName).contains("hotspots-lake"), "{facts:?}");
    assert!(fact(SqlInfo::FlightSqlServerReadOnly).contains("true"));
    assert!(fact(SqlInfo::SqlIdentifierQuoteChar).contains('"'));
    assert!(fact(SqlInfo::SqlDatetimeFunctions).contains("date_trunc"));
    let chosen = vec![SqlInfo::FlightSqlServerName, SqlInfo::FlightSqlServerCancel];
    let info = client.get_sql_info(chosen).await.expect("capabilities");
    assert_eq!(listed(&mut client, info).await.num_rows(), 2);

    let mut plain = FlightClient::new(flight.channel().await);
    let actions: Vec<_> = plain.list_actions().await.expect("a list").try_collect().await.expect("actions");
    let mut names: Vec<&str> = actions.iter().map(|action| action.r#type.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["CancelFlightInfo", "CancelQuery", "ClosePreparedStatement", "CreatePreparedStatement"]);
}

fn values() -> RecordBatch {
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("1", Arc::new(Int64Array::from(vec![7]))),
        ("2", Arc::new(Float64Array::from(vec![1.5]))),
        ("3", Arc::new(StringArray::from(vec!["it's; -- ?"]))),
        ("4", Arc::new(NullArray::new(1))),
        ("5", Arc::new(BooleanArray::from(vec![true]))),
        ("6", Arc::new(Date32Array::from(vec![19_723]))),
        ("7", Arc::new(TimestampMicrosecondArray::from(vec![1_704_067_200_000_000]))),
    ];
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, column)| (name, column, true))).unwrap()
}

#[tokio::test]
async fn places_take_values_of_every_type_by_number_and_in_order() {
    let bench = lake();
    let flight = Flight::start(&bench.program(), &[]);
    let mut client = flight.client().await;
    for query in [
        "SELECT ? AS a, ? AS b, ? AS c, ? AS d, ? AS e, ? AS f, ? AS g",
        "SELECT $1 AS a, $2 AS b, $3 AS c, $4 AS d, $5 AS e, $6 AS f, $7 AS g",
    ] {
        let mut prepared = client.prepare(query.to_owned(), None).await.expect("a plan");
        assert_eq!(prepared.parameter_schema().expect("places").fields().len(), 7);
        prepared.set_parameters(values()).expect("values");
        let info = prepared.execute().await.expect("a bound plan");
        let announced = info.clone().try_decode_schema().expect("a schema");
        let (schema, batches) = try_rows(&mut client, ticket_of(&info)).await.expect("a row");
        assert_eq!(*schema, announced, "{query}");
        for (answered, bound) in batches[0].columns().iter().zip(values().columns()) {
            assert_eq!(answered, bound, "{query}");
        }
        // The same handle with other values.
        let mut other = values();
        let changed = Arc::new(Int64Array::from(vec![8]));
        let columns: Vec<ArrayRef> =
            std::iter::once(changed as ArrayRef).chain(other.columns()[1..].to_vec()).collect();
        other = RecordBatch::try_new(other.schema(), columns).expect("values");
        prepared.set_parameters(other).expect("values");
        let info = prepared.execute().await.expect("a bound plan");
        let (_, batches) = try_rows(&mut client, ticket_of(&info)).await.expect("a row");
        assert_eq!(first_number(&batches), 8);
        prepared.close().await.expect("closed");
    }
}

#[tokio::test]
async fn values_filter_rows_and_wrong_ones_are_refused_in_words() {
    let bench = lake();
    let flight = Flight::start(&bench.program(), &[]);
    let mut client = flight.client().await;
    let row = |columns: Vec<(&str, ArrayRef)>| RecordBatch::try_from_iter(columns).expect("a row");
    let number = |number: i64| Arc::new(Int64Array::from(vec![number])) as ArrayRef;
    let text = |text: &str| Arc::new(StringArray::from(vec![text.to_owned()])) as ArrayRef;

    let most =
        &bench.program().sql("SELECT category AS c, COUNT(*) AS n FROM incidents GROUP BY 1 ORDER BY 2 DESC, 1")[0];
    let category = most["c"].as_str().expect("a category");
    let query = "SELECT COUNT(*) AS n FROM incidents WHERE category = ? AND occurred_at > ?";
    let mut prepared = client.prepare(query.to_owned(), None).await.expect("a plan");
    let places = prepared.parameter_schema().expect("places").clone();
    assert_eq!(places.field(0).data_type(), &DataType::Utf8);
    assert!(matches!(places.field(1).data_type(), DataType::Timestamp(..)), "{places}");
    prepared.set_parameters(row(vec![("1", text(category)), ("2", text("1900-01-01"))])).expect("values");
    let info = prepared.execute().await.expect("a bound plan");
    let (_, batches) = try_rows(&mut client, ticket_of(&info)).await.expect("a row");
    assert_eq!(batches[0].column(0).as_primitive::<Int64Type>().value(0), most["n"].as_i64().expect("a count"));

    let wrong = "SELECT ? AS a, ? AS b,\n ? AS c, categry FROM counts";
    let error = status_of(client.prepare(wrong.to_owned(), None).await.expect_err("no such column"));
    assert!(error.message().contains("line 2, column 10"), "places do not move what comes after them: {error}");

    let named = "SELECT CAST($many AS BIGINT) - CAST($few AS BIGINT) AS n";
    let mut prepared = client.prepare(named.to_owned(), None).await.expect("a plan");
    prepared.set_parameters(row(vec![("few", number(3)), ("many", number(10))])).expect("values");
    let info = prepared.execute().await.expect("a bound plan");
    let (_, batches) = try_rows(&mut client, ticket_of(&info)).await.expect("a row");
    assert_eq!(first_number(&batches), 7, "places with names take values by name");

    let two_rows = row(vec![("1", Arc::new(Int32Array::from(vec![1, 2])))]);
    let plain = |query: &'static str| (query, None);
    for ((query, bound), words) in [
        (plain("SELECT ? + 1"), "no value for `1`"),
        (("SELECT ? + ?", Some(row(vec![("1", number(1))]))), "no value for `2`"),
        (("SELECT ? + 1", Some(row(vec![("1", number(1)), ("2", number(2))]))), "1 placeholders, and 2 values"),
        (("SELECT ? + 1", Some(two_rows)), "one row"),
        (plain("SELECT ?, $1"), "not both"),
    ] {
        let mut prepared = match client.prepare(query.to_owned(), None).await {
            Ok(prepared) => prepared,
            Err(error) => {
                let error = status_of(error);
                assert!(error.message().contains(words), "{query}: {error}");
                continue;
            }
        };
        if let Some(bound) = bound {
            prepared.set_parameters(bound).expect("values");
        }
        let error = status_of(prepared.execute().await.expect_err(query));
        assert_eq!(error.code(), Code::InvalidArgument, "{query}: {error}");
        assert!(error.message().contains(words), "{query}: {error}");
    }
}
