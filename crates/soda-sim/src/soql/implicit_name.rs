//! The names of expressions without `AS`.

use super::ast::{Node, NodeKind};

/// Returns the name that an expression without `AS` gets in the answer.
pub(crate) fn implicit_name(node: &Node) -> String {
    match &node.kind {
        NodeKind::Column(name) => name.clone(),
        NodeKind::CountStar => "count".to_owned(),
        NodeKind::Call(function, arguments) => {
            let mut name = function.clone();
            for argument in arguments {
                name.push('_');
                name.push_str(implicit_name(argument).trim_start_matches(':'));
            }
            name
        }
        NodeKind::Text(text) => {
            text.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase()
        }
        NodeKind::Number(number) => number.to_string().replace(['.', '-'], "_"),
        _ => "expression".to_owned(),
    }
}
