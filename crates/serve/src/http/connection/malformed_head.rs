//! The answer to a head that HTTP cannot pass on as a request: a line that is too long, or malformed.

use crate::problem::Problem;

/// The library below answers with a status and nothing else. An answer of ours has a name.
const OWN_HEADER: &str = "\r\nx-request-id:";
const EMPTY_BODY: &str = "\r\ncontent-length: 0\r\n";

/// Returns the complete answer in place of one that is only a status; `None` if these bytes are not one.
pub(crate) fn explain_status(head: &[u8]) -> Option<Vec<u8>> {
    if !head.starts_with(b"HTTP/1.1 4") || !head.ends_with(b"\r\n\r\n") {
        return None;
    }
    let head = std::str::from_utf8(head).ok()?;
    if !head.contains(EMPTY_BODY) || head.contains(OWN_HEADER) {
        return None;
    }
    let line = head.lines().next()?;
    let status = line.split(' ').nth(1)?.parse().ok()?;
    let detail = match status {
        414 => {
            "the address is longer than 65534 bytes: send the parameters with POST, as the members of a JSON object with \
             Content-Type: application/json"
        }
        431 => {
            "the head of the request, its address and headers, is larger than this server reads: send the parameters \
             with POST, as the members of a JSON object with Content-Type: application/json"
        }
        _ => "the head of the request is not that of a request over HTTP/1.1",
    };
    let body = Problem::malformed_head(status, detail).to_json();
    let mut answer = format!(
        "{line}\r\ncontent-type: application/problem+json\r\nx-content-type-options: nosniff\r\nconnection: close\r\n\
         content-length: {}\r\n\r\n",
        body.len()
    )
    .into_bytes();
    answer.extend_from_slice(&body);
    Some(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_alone_becomes_an_answer_in_words() {
        let bare = b"HTTP/1.1 414 URI Too Long\r\nconnection: close\r\ncontent-length: 0\r\ndate: x\r\n\r\n";
        let answer = String::from_utf8(explain_status(bare).expect("an answer")).expect("text");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
        assert!(head.starts_with("HTTP/1.1 414 URI Too Long\r\n"), "{head}");
        assert!(head.contains(&format!("content-length: {}", body.len())), "{head}");
        let problem: serde_json::Value = serde_json::from_str(body).expect("JSON");
        assert_eq!(problem["status"], 414);
        assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains("POST")));
    }

    #[test]
    fn answers_of_ours_stay_as_they_are() {
        for head in [
            &b"HTTP/1.1 404 Not Found\r\nx-request-id: 1\r\ncontent-length: 0\r\n\r\n"[..],
            b"HTTP/1.1 400 Bad Request\r\ncontent-type: application/problem+json\r\ncontent-length: 9\r\n\r\n",
            b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
            b"HTTP/1.1 4",
            b"",
        ] {
            assert_eq!(explain_status(head), None);
        }
    }
}
