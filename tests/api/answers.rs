//! The HTTP layer of answers: format, conditional requests, compression, and the errors for missing paths.

use std::collections::BTreeMap;
use std::process::Command;

use lake_testkit::Running;
use serde_json::{Value, json};

use crate::api::wire::Wire;
use crate::harness::{Bench, CASES_RESOURCE};

fn served(rows: usize) -> (Bench, Running) {
    let bench = Bench::synthetic(rows);
    bench.ingest(&bench.program(), CASES_RESOURCE, &["--page-size", "200"]).success();
    bench.program().run(&["compact"]).success();
    let serving = bench.program().spawn_serving(&["serve"]);
    (bench, serving)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_format_is_the_one_named_or_the_best_accepted_and_406_lists_what_there_is() {
    let (_bench, serving) = served(200);
    let path = "/aggregates?group_by=category";
    for (accept, kind) in [
        ("*/*", "application/json"),
        ("text/csv;q=0.2, application/vnd.apache.parquet;q=0.8", "application/vnd.apache.parquet"),
        ("text/html, application/geo+json;q=0.5, application/json;q=0.4", "application/geo+json"),
        ("application/json;q=0, application/x-ndjson", "application/x-ndjson"),
        ("application/vnd.apache.arrow.stream", "application/vnd.apache.arrow.stream"),
        ("application/json; charset=utf-8", "application/json"),
        ("text/csv; charset=utf-8; header=present", "text/csv; charset=utf-8; header=present"),
        ("", "application/json"),
    ] {
        let answer = serving.get_with(path, &[("accept", accept)]).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, Some(kind)), "{accept}");
        assert!(answer.header("vary").is_some_and(|vary| vary.contains("accept")), "{accept}");
    }
    let named = serving.get_with(&format!("{path}&format=csv"), &[("accept", "application/json")]).await;
    assert_eq!(named.header("content-type"), Some("text/csv; charset=utf-8; header=present"));
    for path in [path, "/incidents", "/facets", "/hotspots", "/changes?since=0"] {
        let refused = serving.get_with(path, &[("accept", "image/png")]).await;
        assert_eq!(refused.status, 406, "{path}: {}", refused.text());
        assert!(refused.text().contains("application/x-ndjson"), "{}", refused.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_not_sent_again_to_who_has_it_until_the_lake_changes() {
    let (bench, serving) = served(400);
    let first = serving.get("/aggregates?group_by=category&resource=311-cases&hour=1").await;
    let name = first.header("etag").expect("a name").to_owned();
    // The same question in another order has the same name; another question has another.
    let known = |path: &'static str, name: String| {
        let serving = &serving;
        async move { serving.get_with(path, &[("if-none-match", &name)]).await.status }
    };
    let same = "/aggregates?hour=1&resource=311-cases&group_by=category";
    assert_eq!(known(same, name.clone()).await, 304);
    assert_eq!(known(same, format!("\"other\", {name}")).await, 304);
    assert_eq!(known(same, name.trim_start_matches("W/").to_owned()).await, 304, "comparison is weak");
    assert_eq!(known(same, "*".to_owned()).await, 304);
    assert_eq!(known("/aggregates?hour=2&resource=311-cases&group_by=category", name.clone()).await, 200);
    assert_eq!(known("/aggregates?hour=1&resource=311-cases&group_by=category&format=csv", name.clone()).await, 200);
    let not_modified = serving.get_with(same, &[("if-none-match", &name)]).await;
    assert!(not_modified.body.is_empty() && not_modified.header("lake-version").is_some());
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let head = client.head(serving.url(same)).send().await.expect("an answer");
    let plain = name.trim_start_matches("W/");
    assert_eq!((head.status().as_u16(), head.headers()["etag"].to_str().ok()), (200, Some(plain)));
    assert!(head.bytes().await.expect("no body").is_empty());
    let posted = serving.post_json("/aggregates", &json!({"group_by": ["category"]})).await;
    assert_eq!((posted.status, posted.header("etag")), (200, None), "what is posted is not kept");

    for (one, another) in [
        ("hour=1&hour=23", "hour=23&hour=01&hour=1"),
        ("category=A&category=B", "category=B&category=A&category=B"),
        ("start_time=2024-06-01", "start_time=2024-06-01T00:00:00"),
        ("bbox=-122.5,37,-122.4,38", "bbox=-122.50,%2037.0,-122.4,38.000"),
        ("near=37.7,-122.4,500", "near=37.70,-122.40,500.0"),
        ("group_by=category,hour", "group_by=category&group_by=hour"),
        ("", "limit=100000&geo_precision=9&time_precision=24h&group_by=resource,cell,time"),
    ] {
        let (one, another) = (format!("/aggregates?{one}"), format!("/aggregates?{another}"));
        let name = serving.get(&one).await.header("etag").expect("a name").to_owned();
        assert_eq!(serving.get_with(&another, &[("if-none-match", &name)]).await.status, 304, "{one} {another}");
    }

    // A landed batch changes the name, if it changes the version.
    let edit = |row: &mut lake_testkit::Row| drop(row.insert("service_name".to_owned(), "Another".into()));
    bench.portal.update_where(crate::harness::CASES, |_| true, edit, 1_790_000_000_000);
    bench.ingest(&bench.program(), CASES_RESOURCE, &[]).success();
    let later = serving.get_with(same, &[("if-none-match", &name)]).await;
    assert_eq!(later.status, 200);
    assert_ne!(later.header("etag"), Some(name.as_str()));
    for path in ["/incidents?limit=3", "/facets", "/hotspots", "/tiles/10/163/395.mvt"] {
        let answer = serving.get(path).await;
        let name = answer.header("etag").unwrap_or_else(|| panic!("{path} has no name")).to_owned();
        assert_eq!(serving.get_with(path, &[("if-none-match", &name)]).await.status, 304, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_of_the_lake_says_what_was_read() {
    let (_bench, serving) = served(200);
    for path in ["/aggregates?limit=2", "/incidents?limit=2", "/facets", "/hotspots", "/tiles/0/0/0.mvt", "/resources"]
    {
        let answer = serving.get(path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        for header in ["lake-version", "lake-exact", "lake-as-of", "x-request-id"] {
            assert!(answer.header(header).is_some(), "{path} has no {header}");
        }
    }
    for path in ["/aggregates?limit=2", "/incidents?limit=2", "/facets?limit=1", "/hotspots?limit=1"] {
        assert_eq!(serving.get(path).await.header("lake-truncated"), Some("true"), "{path}");
        assert!(serving.get(path).await.header("server-timing").is_some(), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_compressed_answer_is_the_plain_one_and_parquet_is_sent_as_it_is() {
    let (_bench, serving) = served(500);
    let asked = |path: &'static str, encoding: &'static str| {
        let mut wire = Wire::connect(&serving);
        wire.ask(path, &[("accept-encoding", encoding), ("connection", "close")]);
        let head = wire.head().to_ascii_lowercase();
        let body = wire.body(&head).expect("a whole body");
        (head, body)
    };
    let (_, plain) = asked("/aggregates", "identity");
    let (head, packed) = asked("/aggregates", "gzip");
    assert!(head.contains("content-encoding: gzip"), "{head}");
    assert!(packed.len() * 2 < plain.len());
    let mut gzip = Command::new("gzip");
    gzip.arg("-dc").stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped());
    let mut child = gzip.spawn().expect("gzip runs");
    let mut input = child.stdin.take().expect("a pipe");
    let writer = std::thread::spawn(move || std::io::Write::write_all(&mut input, &packed));
    let unpacked = child.wait_with_output().expect("gzip ends");
    writer.join().expect("a thread").expect("gzip reads");
    assert!(unpacked.status.success() && unpacked.stdout == plain);
    let (head, packed) = asked("/aggregates", "gzip;q=0.5, zstd");
    assert!(head.contains("content-encoding: zstd"), "the one that the client would rather have: {head}");
    assert!(packed.len() * 2 < plain.len());
    assert!(zstd::decode_all(packed.as_slice()).expect("zstd reads") == plain);
    for coding in ["gzip", "zstd"] {
        assert!(!asked("/aggregates?format=parquet", coding).0.contains("content-encoding"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_another_host_may_ask_and_read_what_the_headers_say() {
    let (bench, _) = served(100);
    let serving = bench.program().spawn_serving(&["serve", "--allowed-origin", "https://example.org"]);
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let asked = client
        .request(reqwest::Method::OPTIONS, serving.url("/aggregates"))
        .header("origin", "https://example.org")
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "authorization,content-type");
    let allowed = asked.send().await.expect("an answer");
    let header = |name: &str| allowed.headers().get(name).and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned();
    assert_eq!(allowed.status().as_u16(), 200);
    assert_eq!(header("access-control-allow-origin"), "https://example.org");
    assert!(header("access-control-allow-methods").contains("POST"));
    assert!(header("access-control-allow-headers").contains("authorization"), "`*` would not include it");
    let answer = serving.get_with("/aggregates?limit=1", &[("origin", "https://example.org")]).await;
    let exposed = answer.header("access-control-expose-headers").expect("exposed headers");
    assert!(
        ["lake-version", "lake-truncated", "lake-next", "lake-unlocated", "lake-warning", "link", "etag"]
            .iter()
            .all(|name| exposed.contains(name))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_polygon_too_long_for_an_address_is_posted_everywhere() {
    let (_bench, serving) = served(400);
    let corners = 3_000_u32;
    let corner = |n: u32| {
        let angle = f64::from(n % corners) / f64::from(corners) * std::f64::consts::TAU;
        [-122.44 + 0.05 * angle.cos(), 37.76 + 0.04 * angle.sin()]
    };
    let ring: Vec<[f64; 2]> = (0..=corners).map(corner).collect();
    let polygon = json!({"type": "Polygon", "coordinates": [ring]});
    let counted = serving.post_json("/aggregates", &json!({"group_by": "category", "polygon": polygon})).await;
    assert_eq!(counted.status, 200, "{}", counted.text());
    let counts: BTreeMap<Option<String>, i64> = counted
        .json()
        .as_array()
        .expect("rows")
        .iter()
        .map(|row| (row["category"].as_str().map(str::to_owned), row["count"].as_i64().expect("a count")))
        .collect();
    assert!(counts.len() > 3);
    for polygon in [polygon.clone(), Value::String(polygon.to_string())] {
        let body = json!({"facet": "category", "limit": 10_000, "polygon": polygon});
        let facets = serving.post_json("/facets", &body).await;
        assert_eq!(facets.status, 200, "{}", facets.text());
        let facets = facets.json();
        let found = facets.as_array().expect("rows").iter();
        let found: BTreeMap<Option<String>, i64> = found
            .map(|row| (row["value"].as_str().map(str::to_owned), row["count"].as_i64().expect("a count")))
            .collect();
        assert_eq!(found, counts);
    }
    let wrong = serving.post_json("/facets", &json!({"facets": "category"})).await;
    assert_eq!(wrong.status, 400);
    assert!(wrong.text().contains("did you mean `facet`?"), "{}", wrong.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn who_goes_wrong_is_told_the_way() {
    let (_bench, serving) = served(100);
    let lost = serving.get("/agregates").await;
    let detail = lost.json()["detail"].as_str().expect("a detail").to_owned();
    assert_eq!(lost.status, 404);
    assert!(detail.contains("did you mean /aggregates?"), "{detail}");
    for path in [
        "/incidents",
        "/facets",
        "/hotspots",
        "/changes",
        "/tiles/{z}/{x}/{y}.mvt",
        "/tiles.json",
        "/resources",
        "/openapi.json",
        "/limits",
    ] {
        assert!(detail.contains(path), "{path}: {detail}");
    }
    for (path, near) in [
        ("/aggregates?limmit=1", "limit"),
        ("/incidents?colums=id", "columns"),
        ("/facets?facett=category", "facet"),
        ("/changes?sinse=0", "since"),
        ("/tiles/0/0/0.mvt?geoprecision=3", "geo_precision"),
    ] {
        let refused = serving.get(path).await;
        assert_eq!(refused.status, 400, "{path}");
        assert!(refused.text().contains(&format!("did you mean `{near}`?")), "{path}: {}", refused.text());
    }
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    for (method, path, takes) in [("DELETE", "/aggregates", "POST"), ("POST", "/resources", "GET")] {
        let method = method.parse::<reqwest::Method>().expect("a method");
        let refused = client.request(method, serving.url(path)).send().await.expect("an answer");
        assert_eq!(refused.status().as_u16(), 405, "{path}");
        let allow = refused.headers()["allow"].to_str().expect("text").to_owned();
        assert!(allow.contains("GET") && allow.contains(takes), "{path}: {allow}");
        assert_eq!(refused.headers()["content-type"], "application/problem+json");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_link_of_the_page_works() {
    let (_bench, serving) = served(300);
    let page = serving.get("/api").await.text();
    let links: Vec<&str> = page.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    let own: Vec<&&str> = links.iter().filter(|link| !link.starts_with("https://")).collect();
    assert!(own.len() >= 15, "{own:?}");
    for link in own {
        let path = format!("/{}", link.replace("&amp;", "&"));
        let answer = serving.get(&path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    }
    let told = [
        "aggregates",
        "incidents",
        "facets",
        "hotspots",
        "changes",
        "tiles",
        "resources",
        "limits",
        "metrics",
        "openapi.json",
    ];
    assert!(told.iter().all(|path| page.contains(&format!("/{path}"))), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn geojson_is_the_cell_turning_left_with_the_row_as_properties_or_no_place() {
    let (_bench, serving) = served(600);
    let answer = serving.get("/aggregates?group_by=cell,category&geo_precision=8&format=geojson").await;
    let rows = serving.get("/aggregates?group_by=cell,category&geo_precision=8").await.json();
    let collection = answer.json();
    let features = collection["features"].as_array().expect("features");
    let properties: Vec<&Value> = features.iter().map(|feature| &feature["properties"]).collect();
    assert_eq!(properties, rows.as_array().expect("rows").iter().collect::<Vec<_>>());
    let mut nowhere = 0;
    for feature in features {
        if feature["properties"]["cell"].is_null() {
            assert!(feature["geometry"].is_null());
            nowhere += 1;
            continue;
        }
        assert_eq!(feature["geometry"]["type"], "Polygon");
        let ring: Vec<(f64, f64)> =
            serde_json::from_value(feature["geometry"]["coordinates"][0].clone()).expect("positions");
        assert_eq!(ring.first(), ring.last());
        let twice: f64 = ring.windows(2).map(|pair| pair[0].0 * pair[1].1 - pair[1].0 * pair[0].1).sum();
        assert!(twice > 0.0, "an outer ring turns left: {ring:?}");
    }
    assert!(nowhere > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rate_is_the_count_by_the_area_of_the_cell() {
    let (_bench, serving) = served(500);
    let rows = serving.get("/aggregates?group_by=cell&geo_precision=7&per=km2").await.json();
    let mut cells = 0;
    for row in rows.as_array().expect("rows") {
        match (row["cell"].as_str(), row["per_km2"].as_f64()) {
            (None, None) => {}
            (Some(_), Some(rate)) => {
                // Cells of resolution 7 are 5.16 square kilometres on average (https://h3geo.org/docs/core-library/restable),
                // here between 4 and 7.
                let area = row["count"].as_f64().expect("a count") / rate;
                assert!((4.0..7.0).contains(&area), "{row}");
                cells += 1;
            }
            _ => panic!("{row}"),
        }
    }
    assert!(cells > 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_that_no_incident_has_is_warned_of_by_name() {
    let (bench, _) = served(500);
    let serving = bench.program().spawn_serving(&["serve", "--access-log"]);
    let facets = serving.get("/facets?facet=category&limit=1").await.json();
    let real = facets[0]["value"].as_str().expect("a category").to_owned();
    let typo = format!("{}{}", &real[..real.len() - 2], &real[real.len() - 1..]);
    let encoded = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    for path in ["/aggregates?group_by=resource", "/incidents?limit=1", "/facets?facet=resource", "/hotspots?limit=1"] {
        let wrong = serving.get(&format!("{path}&category={}", encoded(&typo))).await;
        let warning = wrong.header("lake-warning").unwrap_or_else(|| panic!("{path}: {:?}", wrong.headers));
        assert!(warning.contains(&typo) && warning.contains(&format!("did you mean `{real}`?")), "{path}: {warning}");
        serving.wait_for_log(warning, std::time::Duration::from_secs(60));
        let right = serving.get(&format!("{path}&category={}", encoded(&real))).await;
        assert_eq!((right.status, right.header("lake-warning")), (200, None), "{path}");
    }
    let foreign = serving.get("/aggregates?district=Z%C3%BCrich").await;
    assert!(foreign.header("lake-warning").expect("a warning").contains("`Z%C3%BCrich`"), "ASCII alone is a header");
    assert_eq!(serving.get("/aggregates?category=").await.header("lake-warning"), None, "those without one");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_links_to_the_next_and_a_file_has_a_name() {
    let (_bench, serving) = served(500);
    let first = serving.get("/incidents?limit=2&category!=Graffiti&columns=id&format=csv").await;
    assert_eq!(first.header("content-disposition"), Some("attachment; filename=\"incidents.csv\""));
    let link = first.header("link").expect("a link");
    let address = link.strip_prefix('<').and_then(|link| link.strip_suffix(">; rel=\"next\"")).expect(link).to_owned();
    let second = serving.get(&address).await;
    let by_header = format!(
        "/incidents?limit=2&category!=Graffiti&columns=id&format=csv&page={}",
        first.header("lake-next").expect("a token")
    );
    assert_eq!((second.status, second.text()), (200, serving.get(&by_header).await.text()));
    assert_ne!(first.text(), second.text());
    assert_eq!(serving.get("/incidents?limit=10000").await.header("link"), None, "the last page");
    for (path, name) in [
        ("/aggregates?format=parquet", Some("aggregates.parquet")),
        ("/hotspots?format=geojson", Some("hotspots.geojson")),
        ("/sql?query=SELECT%201&format=arrow", Some("sql.arrows")),
        ("/queries/reports/categories?format=csv", Some("categories.csv")),
        ("/aggregates", None),
    ] {
        let named = name.map(|name| format!("attachment; filename=\"{name}\""));
        assert_eq!(serving.get(path).await.header("content-disposition").map(str::to_owned), named, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn cells_are_text_where_numbers_would_be_rounded() {
    let (_bench, serving) = served(300);
    let query = "SELECT%20cell%20FROM%20counts%20WHERE%20cell%20IS%20NOT%20NULL%20ORDER%20BY%20cell";
    for path in [
        format!("/sql?query={query}"),
        "/aggregates?group_by=cell&located=true".to_owned(),
        "/incidents?columns=cell&located=true".to_owned(),
    ] {
        let json = serving.get(&path).await.json();
        let cells: Vec<&str> =
            json.as_array().expect("rows").iter().map(|row| row["cell"].as_str().expect("text")).collect();
        assert!(cells.len() > 10 && cells.iter().all(|cell| cell.starts_with("8")), "{path}");
        let column = async |more: &str| {
            let text = serving.get(&format!("{path}&format=csv{more}")).await.text();
            let cells = text.lines().skip(1).map(|line| line.split(',').next().expect("a cell").to_owned());
            cells.collect::<Vec<_>>()
        };
        assert_eq!(column("").await, cells, "{path}");
        let numbers = column("&cells=number").await.into_iter().map(|text| text.parse::<i64>().expect("a number"));
        assert_eq!(numbers.map(|cell| format!("{cell:x}")).collect::<Vec<_>>(), cells, "{path}");
        let refused = serving.get(&format!("{path}&cells=hex")).await;
        assert_eq!((refused.status, &refused.json()["parameter"]), (400, &json!("cells")));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn values_are_excluded_by_a_name_that_is_an_identifier() {
    let (_bench, serving) = served(300);
    let sign = serving.get("/aggregates?group_by=category&category!=Graffiti&resource!=traffic-crashes").await;
    let word = serving.get("/aggregates?group_by=category&not_category=Graffiti&not_resource=traffic-crashes").await;
    assert_eq!((word.status, word.json()), (200, sign.json()));
    let posted =
        serving.post_json("/aggregates", &json!({"group_by": ["category"], "not_category": ["Graffiti"]})).await;
    assert_eq!(posted.json(), word.json());
}

#[tokio::test(flavor = "multi_thread")]
async fn resources_tell_their_zone_and_where_they_come_from() {
    let (_bench, serving) = served(60);
    let resources = serving.get("/resources").await.json();
    let cases = resources.as_array().expect("resources").iter().find(|one| one["name"] == "311-cases").expect("311");
    assert_eq!(cases["zone"], "America/Los_Angeles");
    assert_eq!((&cases["portal"], &cases["dataset"]), (&json!("https://data.sfgov.org"), &json!("vw6y-z8j6")));
}
