//! Requests: their parameters, the format of their answer, and the first steps of every request for rows.

pub(crate) mod early_end;
pub(crate) mod negotiation;
pub(crate) mod request_body;
pub(crate) mod request_params;
pub(crate) mod rows_request;
