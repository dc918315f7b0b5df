//! Tickets of Arrow Flight SQL.

use arrow_flight::Ticket;
use arrow_flight::flight_service_client::FlightServiceClient;
use serde_json::Value;
use tonic::Code;

use super::{Fuzz, ours};
use crate::faults::store_faults::runtime;
use crate::harness::{Bench, CASES_RESOURCE, flight_address};

/// The placeholder in a ticket of the corpus for the lake's id, of the same length.
const LAKE_ID: &[u8] = b"LAKE-ID-AS-LONG-AS-A-UUID-OF-36-CHAR";

#[test]
fn any_ticket_is_rows_or_refused_in_words() {
    let bench = Bench::synthetic(300);
    bench.ingest(&bench.program(), CASES_RESOURCE, &[]).success();
    let serving = bench.program().spawn_serving(&["serve", "--flight", "127.0.0.1:0"]);
    let address = flight_address(&serving);
    let about = std::fs::read_to_string(bench.lake().join("lake.json")).expect("a lake");
    let id = serde_json::from_str::<Value>(&about).expect("JSON")["id"].as_str().expect("an id").to_owned();
    assert_eq!(id.len(), LAKE_ID.len());
    let runtime = runtime();
    let client = runtime.block_on(async {
        let channel = tonic::transport::Channel::from_shared(format!("http://{address}")).expect("an address");
        FlightServiceClient::new(channel.connect().await.expect("the server listens"))
    });
    let words = &[
        "SELECT",
        "1",
        "$1",
        "fast_counts=",
        "counts=0",
        "rejects=",
        ",raw/",
        "type.googleapis.com/arrow.flight.protocol.sql.",
        "TicketStatementQuery",
        "CommandPreparedStatementQuery",
        "CommandGetTables",
        "CommandGetSqlInfo",
        "\u{0}",
        "\u{1}",
        "\n",
        "\u{12}",
        "%",
    ];
    let mut rows_made = 0;
    Fuzz { target: "ticket", words }.run(2_000, |input| {
        let mut ticket = input.to_vec();
        if let Some(at) = ticket.windows(LAKE_ID.len()).position(|part| part == LAKE_ID) {
            ticket[at..at + LAKE_ID.len()].copy_from_slice(id.as_bytes());
        }
        let mut client = client.clone();
        let ended = runtime.block_on(async {
            let mut messages = client.do_get(Ticket::new(ticket)).await?.into_inner();
            let mut count = 0;
            while messages.message().await?.is_some() {
                count += 1;
            }
            Ok::<_, tonic::Status>(count)
        });
        match ended {
            Ok(count) => {
                rows_made += 1;
                Ok(format!("{count} messages"))
            }
            Err(refusal) if refusal.message().trim().is_empty() => Err(format!("{refusal:?}: no words")),
            Err(refusal) if refusal.message().contains("because of a bug") => Err(refusal.to_string()),
            // No longer valid HTTP/2, or not answered.
            Err(refusal) if matches!(refusal.code(), Code::Unknown | Code::Unavailable) => Err(refusal.to_string()),
            Err(refusal) => Ok(format!("{:?} {}", refusal.code(), ours(refusal.message()))),
        }
    });
    assert!(rows_made > 20, "hardly any input is a ticket");
    assert_eq!(runtime.block_on(serving.get("/readyz")).status, 200);
}
