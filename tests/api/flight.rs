//! Arrow Flight SQL on the built program, with the Rust client.

mod bound;
mod lists;
mod python;

use std::time::{Duration, Instant};

use arrow::array::{AsArray as _, RecordBatch};
use arrow::datatypes::{Int64Type, Schema, SchemaRef};
use arrow_flight::error::FlightError;
use arrow_flight::sql::client::FlightSqlServiceClient;
use arrow_flight::sql::{
    ActionCancelQueryRequest, ActionCancelQueryResult, Any, CommandPreparedStatementQuery, CommandStatementQuery,
    ProstMessageExt, TicketStatementQuery,
};
use arrow_flight::{Action, CancelFlightInfoRequest, CancelStatus, FlightClient, FlightDescriptor, FlightInfo, Ticket};
use futures::{StreamExt as _, TryStreamExt as _};
use lake_testkit::{Program, Running};
use prost::Message as _;
use serde_json::Value;
use tonic::transport::Channel;
use tonic::{Code, Status};

use crate::api::access::{token, write};
use crate::harness::{Bench, CASES_RESOURCE, flight_address};

pub(crate) type Client = FlightSqlServiceClient<Channel>;

/// How long something may take that is waited for.
const PATIENCE: Duration = Duration::from_mins(1);

/// A query that would run for hours.
const ENDLESS: &str = "SELECT a.value + b.value AS n FROM generate_series(1, 1000000) a \
                       CROSS JOIN generate_series(1, 1000000) b WHERE (a.value + b.value) % 3 = 0";

/// A program that serves Flight SQL, and where.
struct Flight {
    serving: Running,
    /// `127.0.0.1:PORT`
    address: String,
}

impl Flight {
    fn start(program: &Program, more: &[&str]) -> Self {
        let args = ["serve", "--flight", "127.0.0.1:0", "--http", "127.0.0.1:0"];
        let args: Vec<&str> = args.iter().chain(more).copied().collect();
        let serving = program.spawn_in_background(&args);
        let address = flight_address(&serving);
        serving.wait_for_log("listening on http", PATIENCE);
        Self { serving, address }
    }

    async fn channel(&self) -> Channel {
        open_channel(&self.address).await
    }

    async fn client(&self) -> Client {
        Client::new(self.channel().await)
    }
}

/// Returns a lake with a few landed and compacted rows.
fn lake() -> Bench {
    let bench = Bench::synthetic(1_500);
    bench.ingest(&bench.program(), CASES_RESOURCE, &["--page-size", "100", "--max-pages", "2"]).success();
    bench.program().run(&["compact"]).success();
    bench
}

fn status_of(error: FlightError) -> Status {
    match error {
        FlightError::Tonic(status) => *status,
        other => panic!("an error of the client itself: {other}"),
    }
}

fn ticket_of(info: &FlightInfo) -> Ticket {
    info.endpoint[0].ticket.clone().expect("a ticket")
}

/// Returns the rows behind a ticket, with the columns that the stream declares.
async fn try_rows(client: &mut Client, ticket: Ticket) -> Result<(SchemaRef, Vec<RecordBatch>), Status> {
    let mut stream = client.do_get(ticket).await.map_err(status_of)?;
    let mut batches = Vec::new();
    while let Some(batch) = stream.next().await {
        batches.push(batch.map_err(status_of)?);
    }
    Ok((stream.schema().expect("a stream says its columns").clone(), batches))
}

async fn open_channel(address: &str) -> Channel {
    let endpoint = Channel::from_shared(format!("http://{address}")).expect("an address");
    endpoint.connect().await.expect("the server listens")
}

/// Connects to a program that serves both interfaces and has reported so.
pub(crate) async fn connect(serving: &Running) -> Client {
    Client::new(open_channel(&flight_address(serving)).await)
}

/// Returns the rows of a query.
pub(crate) async fn rows(client: &mut Client, query: &str) -> Vec<RecordBatch> {
    let info = client.execute(query.to_owned(), None).await.unwrap_or_else(|error| panic!("{query}: {error}"));
    let announced = info.clone().try_decode_schema().expect("a schema");
    let (schema, batches) = try_rows(client, ticket_of(&info)).await.unwrap_or_else(|error| panic!("{query}: {error}"));
    assert_eq!(*schema, announced, "the columns are those that were announced: {query}");
    batches
}

/// Returns the first number of a query's answer.
async fn number(client: &mut Client, query: &str) -> i64 {
    first_number(&rows(client, query).await)
}

fn first_number(batches: &[RecordBatch]) -> i64 {
    batches[0].column(0).as_primitive::<Int64Type>().value(0)
}

/// Returns the error of a query, when it is planned or when its rows are made.
pub(crate) async fn failure(client: &mut Client, query: &str) -> Status {
    match client.execute(query.to_owned(), None).await {
        Err(error) => status_of(error),
        Ok(info) => try_rows(client, ticket_of(&info)).await.err().unwrap_or_else(|| panic!("{query} is answered")),
    }
}

async fn refused(client: &mut Client, query: &str) -> Status {
    status_of(client.execute(query.to_owned(), None).await.expect_err(query))
}

fn json(batches: &[RecordBatch]) -> Vec<Value> {
    let writer = arrow::json::WriterBuilder::new().with_explicit_nulls(true);
    let mut writer = writer.build::<_, arrow::json::writer::JsonArray>(Vec::new());
    batches.iter().for_each(|batch| writer.write(batch).expect("JSON"));
    writer.finish().expect("JSON");
    let text = writer.into_inner();
    if text.is_empty() { Vec::new() } else { serde_json::from_slice(&text).expect("an array") }
}

#[tokio::test]
async fn a_query_answers_as_sql_does() {
    let bench = lake();
    let flight = Flight::start(&bench.program(), &[]);
    let mut client = flight.client().await;
    for query in [
        "SELECT 1 AS one, 'a' AS text, NULL AS nothing, TRUE AS yes, 1.5 AS number",
        "SELECT category, SUM(count) AS n FROM counts GROUP BY 1 ORDER BY n DESC, category",
        "SELECT id, occurred_at, closed_at, latitude, category FROM incidents ORDER BY id LIMIT 50",
        "SELECT COUNT(*) AS n, MIN(_landed_at) AS first FROM raw.\"311_cases\"",
        "SELECT COUNT(*) AS n FROM stored.fast_counts",
        "SELECT * FROM rejects WHERE reason = 'none such'",
    ] {
        assert_eq!(json(&rows(&mut client, query).await), bench.program().sql(query), "{query}");
    }
}

#[tokio::test]
async fn wrong_sql_is_named_with_line_column_and_name_as_over_the_command_line() {
    let bench = lake();
    let flight = Flight::start(&bench.program(), &[]);
    let mut client = flight.client().await;
    for (query, named) in [
        ("SELECT resource,\n  categry FROM counts", ["line 2, column 3", "categry"]),
        ("SELECT * FROM countz", ["countz", "not found"]),
        ("SELEC 1", ["SELEC", "Line: 1, Column: 1"]),
        ("SELECT no_such_function(1)", ["no_such_function", "line 1, column 8"]),
    ] {
        let error = refused(&mut client, query).await;
        assert_eq!(error.code(), Code::InvalidArgument, "{error}");
        assert!(named.iter().all(|part| error.message().contains(part)), "{named:?} in {}", error.message());
        let told = bench.program().run(&["sql", query]).expect_status(2).stderr;
        // On the terminal the lines of one error are indented below its first.
        let in_a_line = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(in_a_line(&told).contains(&in_a_line(error.message())), "{told} as {}", error.message());
        let prepared = status_of(client.prepare(query.to_owned(), None).await.expect_err(query));
        assert_eq!((prepared.code(), prepared.message()), (error.code(), error.message()));
    }
    // An error in the middle of an answer has its code as well.
    let info = client.execute("SELECT 1 / (value - 3) AS n FROM generate_series(1, 5)".to_owned(), None).await;
    let error = try_rows(&mut client, ticket_of(&info.expect("a plan"))).await.expect_err("a division by zero");
    assert_eq!(error.code(), Code::InvalidArgument, "{error}");
    assert!(error.message().to_lowercase().contains("divide by zero"), "{error}");
}

#[tokio::test]
async fn nothing_is_written_and_there_are_no_transactions() {
    let bench = lake();
    let flight = Flight::start(&bench.program(), &[]);
    let mut client = flight.client().await;
    for query in [
        "INSERT INTO stored.counts SELECT * FROM stored.counts",
        "DELETE FROM stored.counts",
        "CREATE TABLE t AS SELECT 1",
        "DROP TABLE stored.counts",
        "COPY (SELECT 1) TO 'out.csv'",
        "COPY (SELECT 1) TO 'a-folder'",
        "INSERT INTO incidents VALUES (1)",
        "SET datafusion.execution.batch_size = 1",
    ] {
        let error = refused(&mut client, query).await;
        assert_eq!(error.code(), Code::InvalidArgument, "{query}: {error}");
        assert!(error.message().contains("read-only"), "{query}: {error}");
        let error = status_of(client.execute_update(query.to_owned(), None).await.expect_err(query));
        assert_eq!(error.code(), Code::InvalidArgument, "{query}: {error}");
        assert!(error.message().contains("read-only"), "{query}: {error}");
    }
    assert!(!bench.folder.path().join("out.csv").exists());
    let error = status_of(client.begin_transaction().await.expect_err("a transaction"));
    assert_eq!(error.code(), Code::Unimplemented, "{error}");
    let error = status_of(client.execute("SELECT 1".to_owned(), Some("t".into())).await.expect_err("a transaction"));
    assert!(error.message().contains("transaction"), "{error}");
}

#[tokio::test]
async fn a_ticket_answers_as_it_would_have_when_it_was_given() {
    let bench = lake();
    let flight = Flight::start(&bench.program(), &[]);
    let mut client = flight.client().await;
    let queries = [
        "SELECT SUM(count) AS n FROM counts",
        "SELECT COUNT(*) AS n FROM incidents",
        "SELECT COUNT(*) AS n FROM raw.\"311_cases\"",
    ];
    let mut given = Vec::new();
    for query in queries {
        let info = client.execute(query.to_owned(), None).await.expect("a plan");
        given.push((query, ticket_of(&info), number(&mut client, query).await));
    }
    let ingest = |more: &[&str]| bench.ingest(&bench.program(), CASES_RESOURCE, more).success();
    ingest(&["--page-size", "100", "--max-pages", "1"]);
    for (query, ticket, before) in &given {
        let (_, batches) = try_rows(&mut client, ticket.clone()).await.expect("the rows of before");
        assert_eq!(first_number(&batches), *before, "after a landing: {query}");
        assert!(number(&mut client, query).await > *before, "a new ticket reads the newest rows: {query}");
    }
    bench.program().run(&["compact"]).success();
    for (query, ticket, before) in &given {
        let (_, batches) = try_rows(&mut client, ticket.clone()).await.expect("the rows of before");
        assert_eq!(first_number(&batches), *before, "after a compaction: {query}");
    }
    bench.program().run(&["vacuum", "--older-than", "0s", "--nothing-else-runs", "--apply"]).success();
    for (query, ticket, _) in &given {
        let error = try_rows(&mut client, ticket.clone()).await.expect_err(query);
        assert_eq!(error.code(), Code::FailedPrecondition, "{query}: {error}");
        assert!(error.message().contains("cannot be read any more"), "{error}");
    }
}

/// Starts a query that would run for hours, and waits for its first rows.
async fn begun(client: &mut Client) -> (FlightInfo, arrow_flight::decode::FlightRecordBatchStream) {
    let info = client.execute(ENDLESS.to_owned(), None).await.expect("a plan");
    let mut stream = client.do_get(ticket_of(&info)).await.expect("a stream");
    assert!(stream.next().await.expect("a batch").expect("a batch").num_rows() > 0);
    (info, stream)
}

/// Starts an endless answer and reads its first rows; they cost next to nothing.
async fn try_begin(client: &mut Client) -> Result<arrow_flight::decode::FlightRecordBatchStream, Status> {
    let query = "SELECT value FROM generate_series(1, 1000000000000)";
    let info = client.execute(query.to_owned(), None).await.map_err(status_of)?;
    let mut stream = client.do_get(ticket_of(&info)).await.map_err(status_of)?;
    stream.next().await.expect("a batch or an error").map_err(status_of)?;
    Ok(stream)
}

async fn end_of(mut stream: arrow_flight::decode::FlightRecordBatchStream) -> Status {
    loop {
        match stream.next().await.expect("an answer that was cut off does not look whole") {
            Ok(_) => {}
            Err(error) => return status_of(error),
        }
    }
}

#[tokio::test]
async fn an_answer_under_way_can_be_cancelled() {
    let bench = lake();
    let flight = Flight::start(&bench.program(), &[]);
    let mut client = flight.client().await;
    let mut other = FlightClient::new(flight.channel().await);

    let (info, stream) = begun(&mut client).await;
    let request = CancelFlightInfoRequest::new(info.clone());
    assert_eq!(other.cancel_flight_info(request.clone()).await.expect("an answer").status(), CancelStatus::Cancelled);
    assert_eq!(end_of(stream).await.code(), Code::Cancelled);
    // It may still be on its way out.
    let again = other.cancel_flight_info(request).await.expect("an answer").status();
    assert!(matches!(again, CancelStatus::NotCancellable | CancelStatus::Cancelled), "{again:?}");

    let (info, stream) = begun(&mut client).await;
    let request = ActionCancelQueryRequest { info: info.encode_to_vec().into() };
    let action = Action::new("CancelQuery", request.as_any().encode_to_vec());
    let results: Vec<_> = other.do_action(action).await.expect("a stream").try_collect().await.expect("results");
    let result: ActionCancelQueryResult = Any::decode(&*results[0]).unwrap().unpack().unwrap().expect("a result");
    assert_eq!(result.result, 1, "cancelled");
    assert_eq!(end_of(stream).await.code(), Code::Cancelled);
    assert_eq!(number(&mut client, "SELECT 7").await, 7);
}

/// Returns the ticks of processor time that a process has used.
fn ticks(process: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).expect("a running process");
    let fields: Vec<&str> = stat.rsplit_once(')').expect("a name").1.split_whitespace().collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}

/// Waits until a process rests: until it uses no processor for a while.
fn wait_until_idle(process: u32) {
    let deadline = Instant::now() + PATIENCE;
    let (mut last, mut rested) = (ticks(process), 0);
    while rested < 20 {
        assert!(Instant::now() < deadline, "it continues working");
        std::thread::sleep(Duration::from_millis(20));
        let now = ticks(process);
        rested = if now == last { rested + 1 } else { 0 };
        last = now;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_leaves_stops_its_query() {
    let bench = lake();
    let mut flight = Flight::start(&bench.program(), &["-v"]);
    let mut client = flight.client().await;
    let (_, stream) = begun(&mut client).await;
    drop(stream);
    flight.serving.wait_for_log("a client left before the end of its answer", PATIENCE);
    wait_until_idle(flight.serving.id());
    assert_eq!(number(&mut client, "SELECT 7").await, 7);
    // So does one that has sent nothing yet.
    let query = "SELECT COUNT(*) AS n FROM generate_series(1, 10000000) a CROSS JOIN generate_series(1, 10000000) b \
                 WHERE (a.value + b.value) % 3 = 5";
    let info = client.execute(query.to_owned(), None).await.expect("a plan");
    let mut stream = client.do_get(ticket_of(&info)).await.expect("a stream");
    assert!(tokio::time::timeout(Duration::from_secs(1), stream.next()).await.is_err(), "it sends nothing for hours");
    drop(stream);
    wait_until_idle(flight.serving.id());
    // One whose connection breaks leaves as well.
    let (_, stream) = begun(&mut client).await;
    drop((stream, client));
    wait_until_idle(flight.serving.id());
    assert_eq!(flight.serving.stop(), 0);
    let log = flight.serving.log();
    assert!(!log.contains("still running"), "{log}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_lets_an_answer_under_way_end() {
    let bench = lake();
    let mut flight = Flight::start(&bench.program(), &[]);
    let mut client = flight.client().await;
    let query = "SELECT value FROM generate_series(1, 3000000)";
    let info = client.execute(query.to_owned(), None).await.expect("a plan");
    let mut stream = client.do_get(ticket_of(&info)).await.expect("a stream");
    let mut count = stream.next().await.expect("a batch").expect("a batch").num_rows();
    flight.serving.signal("-TERM");
    flight.serving.wait_for_log("stopping", PATIENCE);
    while let Some(batch) = stream.next().await {
        count += batch.expect("a batch").num_rows();
    }
    assert_eq!(count, 3_000_000);
    drop(client);
    assert_eq!(flight.serving.wait(PATIENCE), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_does_not_read_holds_up_its_query_no_longer_than_its_time() {
    let bench = lake();
    let flight = Flight::start(&bench.program(), &["--timeout-ms", "5000", "--engine-requests", "1"]);
    let mut client = flight.client().await;
    let (_, stream) = begun(&mut client).await;
    // The only permit of the engine is taken, and is free again although its client has not read.
    let mut other = flight.client().await;
    let deadline = Instant::now() + PATIENCE;
    while let Err(error) = other.execute("SELECT 7".to_owned(), None).await {
        let error = status_of(error);
        assert!(matches!(error.code(), Code::DeadlineExceeded | Code::ResourceExhausted), "{error}");
        assert!(Instant::now() < deadline, "{error}");
    }
    let end = end_of(stream).await;
    assert_eq!(end.code(), Code::DeadlineExceeded, "{end}");
    assert!(end.message().contains("timeout_ms"), "{end}");
}

#[tokio::test]
async fn a_query_over_its_memory_fails_alone() {
    let bench = lake();
    let flight = Flight::start(&bench.program(), &[]);
    let mut client = flight.client().await;
    let query = "SELECT COUNT(DISTINCT repeat('x', 100) || value) AS n FROM generate_series(1, 20000000)";
    let info = client.execute(query.to_owned(), None).await.expect("a plan");
    let error = try_rows(&mut client, ticket_of(&info)).await.expect_err("more than it may hold");
    assert_eq!(error.code(), Code::ResourceExhausted, "{error}");
    assert_eq!(number(&mut client, "SELECT 7").await, 7);
}

#[tokio::test]
async fn what_is_no_ticket_and_no_handle_is_an_error_and_the_server_stays_up() {
    let bench = lake();
    let other = lake();
    let flight = Flight::start(&bench.program(), &[]);
    let mut client = flight.client().await;
    let info = client.execute("SELECT 1 AS n".to_owned(), None).await.expect("a plan");
    let good = ticket_of(&info).ticket.to_vec();
    let handle = |bytes: Vec<u8>| CommandPreparedStatementQuery { prepared_statement_handle: bytes.into() };
    let mut wrong: Vec<Vec<u8>> = vec![
        Vec::new(),
        b"SELECT 1".to_vec(),
        vec![0xff; 64],
        good[..good.len() / 2].to_vec(),
        TicketStatementQuery { statement_handle: "x".into() }.as_any().encode_to_vec(),
        handle(b"x".to_vec()).as_any().encode_to_vec(),
        CommandStatementQuery { query: "SELECT 1".to_owned(), transaction_id: None }.as_any().encode_to_vec(),
        Any { type_url: "type.googleapis.com/none.such".to_owned(), value: "x".into() }.encode_to_vec(),
    ];
    let foreign = Flight::start(&other.program(), &[]);
    let info = foreign.client().await.execute("SELECT 1".to_owned(), None).await.expect("a plan");
    wrong.push(ticket_of(&info).ticket.to_vec());
    for bytes in wrong {
        let error = try_rows(&mut client, Ticket::new(bytes.clone())).await.expect_err("no ticket");
        assert!(matches!(error.code(), Code::InvalidArgument | Code::Unimplemented), "{error:?}");
        assert!(!error.message().is_empty());
        let descriptor = FlightDescriptor::new_cmd(bytes);
        let mut plain = FlightClient::new(flight.channel().await);
        // A statement is a fine descriptor, though no ticket.
        if let Err(error) = plain.get_flight_info(descriptor.clone()).await {
            let error = status_of(error);
            assert!(matches!(error.code(), Code::InvalidArgument | Code::Unimplemented), "{error:?}");
        }
        drop(plain.get_schema(descriptor).await);
    }
    // A ticket that a client made up opens only the lake.
    for (before, to) in [("rejects=", "9"), ("raw/", "../x-case")] {
        let at = good.windows(before.len()).position(|part| part == before.as_bytes()).expect(before) + before.len();
        let mut forged = good.clone();
        forged[at..at + to.len()].copy_from_slice(to.as_bytes());
        let error = try_rows(&mut client, Ticket::new(forged)).await.expect_err("a forged ticket");
        assert_eq!(error.code(), Code::NotFound, "{error}");
    }
    assert_eq!(number(&mut client, "SELECT 7").await, 7);
    let log = flight.serving.log();
    assert!(!log.contains("panicked"), "{log}");
}

#[tokio::test]
async fn a_login_has_its_token_as_the_password_and_without_one_nothing_is_answered() {
    let bench = lake();
    let open = Flight::start(&bench.program(), &[]);
    let mut client = open.client().await;
    client.handshake("anybody", "secret").await.expect("any token is accepted if none is needed");
    assert_eq!(number(&mut client, "SELECT 7").await, 7);

    const TOKEN: &str = "a-token-of-long-standing";
    let flight = Flight::start(&bench.program().env("HOTSPOTS_TOKEN", TOKEN), &[]);
    let mut client = flight.client().await;
    let mut plain = FlightClient::new(flight.channel().await);
    for refusal in [
        refused(&mut client, "SELECT 7").await,
        status_of(client.prepare("SELECT 7".to_owned(), None).await.expect_err("a handle")),
        status_of(client.get_catalogs().await.expect_err("catalogs")),
        status_of(client.execute_update("SELECT 7".to_owned(), None).await.expect_err("an update")),
        try_rows(&mut client, Ticket::new("x")).await.expect_err("rows"),
        status_of(plain.get_schema(FlightDescriptor::new_cmd("x")).await.expect_err("a schema")),
        status_of(plain.list_actions().await.err().expect("a list")),
        status_of(plain.cancel_flight_info(CancelFlightInfoRequest::new(FlightInfo::new())).await.expect_err("an end")),
    ] {
        assert_eq!(refusal.code(), Code::Unauthenticated, "{refusal}");
        assert!(refusal.message().contains("token"), "{refusal}");
    }
    assert!(client.handshake("anybody", "not-a-token-that-is-known").await.is_err());
    client.handshake("anybody", TOKEN).await.expect("a handshake");
    assert_eq!(client.token().map(String::as_str), Some(TOKEN));
    assert_eq!(number(&mut client, "SELECT 7").await, 7);
    client.set_token("not-a-token-that-is-known".to_owned());
    assert_eq!(refused(&mut client, "SELECT 7").await.code(), Code::Unauthenticated);
}

#[tokio::test]
async fn a_client_that_asks_too_much_is_told_when_to_ask_again() {
    let bench = lake();
    let flight = Flight::start(&bench.program(), &["--concurrent-requests", "1"]);
    let mut client = flight.client().await;
    let (_, stream) = begun(&mut client).await;
    let error = refused(&mut flight.client().await, "SELECT 7").await;
    assert_eq!(error.code(), Code::ResourceExhausted, "{error}");
    assert!(error.message().contains("concurrent_requests"), "{error}");
    assert!(error.metadata().contains_key("retry-after"), "{error:?}");
    drop(stream);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unread_answer_counts_against_a_client_until_its_deadline() {
    let bench = lake();
    let flight = Flight::start(&bench.program(), &["--timeout-ms", "10000", "--concurrent-requests", "1"]);
    // On a busy machine its time may be over before the first row.
    let began = Instant::now();
    let unread = loop {
        match try_begin(&mut flight.client().await).await {
            Ok(unread) => break unread,
            Err(error) => assert!(began.elapsed() < PATIENCE, "{error}"),
        }
    };
    let mut other = flight.client().await;
    let deadline = Instant::now() + PATIENCE;
    while let Err(error) = other.execute("SELECT 7".to_owned(), None).await {
        let error = status_of(error);
        assert!(matches!(error.code(), Code::DeadlineExceeded | Code::ResourceExhausted), "{error}");
        assert!(Instant::now() < deadline, "{error}");
    }
    assert_eq!(end_of(unread).await.code(), Code::DeadlineExceeded);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn clients_share_the_turns_over_flight_sql_and_http() {
    const ADMIN: &str = "an-admin-of-long-standing";
    let bench = lake();
    let ((greedy, greedy_line), (other, other_line)) =
        (token(&bench.program(), &["greedy"]), token(&bench.program(), &["other"]));
    let file = bench.folder.path().join("tokens");
    write(&file, &[&greedy_line, &other_line]);
    let file = file.to_str().expect("a path");
    let args = ["--token-file", file, "--admin-token", ADMIN, "--engine-requests", "4"];
    let patient = ["--queue-ms", "600000", "--timeout-ms", "600000"];
    let flight = Flight::start(&bench.program(), &[&args[..], &patient[..]].concat());
    let url = flight.serving.wait_for_log("listening on http://", PATIENCE);
    let url = url.split_whitespace().last().expect("an address").to_owned();
    let get = async |path: &str, token: &str| {
        let answer = reqwest::Client::new().get(format!("{url}{path}")).bearer_auth(token).send().await;
        let answer = answer.expect("an answer");
        (answer.status().as_u16(), answer.text().await.expect("text"))
    };
    let waiting = async || {
        let (_, text) = get("/metrics", ADMIN).await;
        text.lines().find_map(|line| line.strip_prefix("hotspots_engine_waiting ")?.parse::<f64>().ok())
    };
    // Half of the permits are taken by answers that run for hours, and no more are given to the same client.
    let mut held = Vec::new();
    for _ in 0..2 {
        let mut client = flight.client().await;
        client.set_token(greedy.clone());
        held.push(begun(&mut client).await);
    }
    for _ in 0..3 {
        let mut client = flight.client().await;
        client.set_token(greedy.clone());
        tokio::spawn(async move { drop(client.execute("SELECT 7".to_owned(), None).await) });
    }
    let began = Instant::now();
    while waiting().await != Some(3.0) {
        assert!(began.elapsed() < PATIENCE, "three of five wait: {}", flight.serving.log());
    }
    // Another client waits for none of them, over either interface.
    let mut client = flight.client().await;
    client.set_token(other.clone());
    for _ in 0..3 {
        assert_eq!(number(&mut client, "SELECT 7").await, 7);
        assert_eq!(get("/aggregates?group_by=resource", &other).await.0, 200);
    }
    assert_eq!(waiting().await, Some(3.0));
    drop(held);
}

#[tokio::test]
async fn the_columns_of_a_statement_can_be_asked_for_alone() {
    let bench = lake();
    let flight = Flight::start(&bench.program(), &[]);
    let mut client = flight.client().await;
    let mut plain = FlightClient::new(flight.channel().await);
    let query = "SELECT id, occurred_at, latitude FROM incidents";
    let command = CommandStatementQuery { query: query.to_owned(), transaction_id: None };
    let descriptor = FlightDescriptor::new_cmd(command.as_any().encode_to_vec());
    let schema: Schema = plain.get_schema(descriptor).await.expect("a schema");
    let info = client.execute(query.to_owned(), None).await.expect("a plan");
    assert_eq!(schema, info.try_decode_schema().expect("a schema"));
    assert_eq!(
        schema.fields().iter().map(|f| f.name().as_str()).collect::<Vec<_>>(),
        ["id", "occurred_at", "latitude"]
    );
}
