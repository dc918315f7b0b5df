//! Faults as answers.

use super::answer::Answer;
use crate::errors;
use crate::fault::Fault;

const EDGE_PAGE: &str = "<html>\r\n<head><title>Please wait</title></head>\r\n\
     <body><h1>We are checking your request</h1></body>\r\n</html>\r\n";

/// Returns the answer of a fault that ignores the request.
pub(crate) fn replace_answer(fault: &Fault) -> Option<Answer> {
    Some(match fault {
        Fault::Status(status) => Answer::error(*status, &errors::status(*status)),
        Fault::TooManyRequests { retry_after_s } => {
            let mut answer = Answer::error(429, &errors::status(429));
            if let Some(seconds) = retry_after_s {
                answer.set("retry-after", seconds.to_string());
            }
            answer
        }
        Fault::Accepted202 => Answer::new(202, b"{}".to_vec()),
        Fault::NotJson => {
            let mut answer = Answer::new(200, EDGE_PAGE.as_bytes().to_vec());
            answer.set("content-type", "text/html; charset=UTF-8");
            answer
        }
        Fault::None | Fault::CutBody | Fault::TruncatedJson | Fault::Stale | Fault::Delay(_) => {
            return None;
        }
    })
}

/// Returns the right answer with a fault in its body; errors stay as they are.
pub(crate) fn apply_fault(fault: &Fault, mut answer: Answer) -> Answer {
    if answer.status != 200 {
        return answer;
    }
    match fault {
        Fault::CutBody => {
            answer.broken = true;
            answer.is_page = false;
        }
        Fault::TruncatedJson => {
            answer.body.truncate(middle_of_a_row(&answer.body));
            answer.is_page = false;
        }
        Fault::Stale => answer.is_page = false,
        _ => {}
    }
    answer
}

/// Returns a position inside a row past the middle of the body: not at a line's end, where the remaining rows would
/// look complete.
fn middle_of_a_row(body: &[u8]) -> usize {
    let middle = body.len() / 2;
    let in_row = |place: &usize| body[*place] == b':' && body[*place - 1] == b'"';
    (middle.max(1)..body.len()).chain(1..middle).find(in_row).map_or(body.len().min(1), |place| place + 1)
}
