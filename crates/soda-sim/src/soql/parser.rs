//! Tokens as trees, by recursive descent.

use super::ast::{Node, NodeKind, Op, Ordered, Selected};
use super::lexer::Token;

/// Deeper nesting is rejected: the parser recurses, and a query string comes from any client.
const MAX_DEPTH: usize = 60;

const RESERVED: [&str; 14] =
    ["and", "or", "not", "is", "null", "between", "in", "like", "as", "asc", "desc", "true", "false", "distinct"];

/// A parser over the tokens of one clause. `None` everywhere means: could not be parsed.
pub(crate) struct Parser<'a> {
    tokens: &'a [Token],
    place: usize,
    depth: usize,
}

impl<'a> Parser<'a> {
    fn new(tokens: &'a [Token]) -> Parser<'a> {
        Parser { tokens, place: 0, depth: 0 }
    }

    /// Parses the complete clause as one condition or expression.
    pub(crate) fn expression(tokens: &'a [Token]) -> Option<Node> {
        let mut parser = Parser::new(tokens);
        let node = parser.disjunction()?;
        parser.finish(node)
    }

    /// Parses the clause as a list of expressions to select.
    pub(crate) fn select(tokens: &'a [Token]) -> Option<Vec<Selected>> {
        let mut parser = Parser::new(tokens);
        let items = parser.list(Parser::selected)?;
        parser.finish(items)
    }

    /// Parses the clause as a list of expressions to order by.
    pub(crate) fn order(tokens: &'a [Token]) -> Option<Vec<Ordered>> {
        let mut parser = Parser::new(tokens);
        let items = parser.list(Parser::ordered)?;
        parser.finish(items)
    }

    /// Parses the clause as a list of expressions to group by.
    pub(crate) fn group(tokens: &'a [Token]) -> Option<Vec<Node>> {
        let mut parser = Parser::new(tokens);
        let items = parser.list(Parser::disjunction)?;
        parser.finish(items)
    }

    fn finish<T>(&self, value: T) -> Option<T> {
        (self.place == self.tokens.len()).then_some(value)
    }

    fn peek(&self) -> Option<&'a Token> {
        self.tokens.get(self.place)
    }

    fn eat(&mut self, token: &Token) -> bool {
        let found = self.peek() == Some(token);
        self.place += usize::from(found);
        found
    }

    fn eat_word(&mut self, keyword: &str) -> bool {
        let found = self.peek().is_some_and(|token| token.is_word(keyword));
        self.place += usize::from(found);
        found
    }

    fn list<T>(&mut self, item: impl Fn(&mut Parser<'a>) -> Option<T>) -> Option<Vec<T>> {
        let mut items = vec![item(self)?];
        while self.eat(&Token::Comma) {
            items.push(item(self)?);
        }
        Some(items)
    }

    fn selected(&mut self) -> Option<Selected> {
        if self.eat(&Token::Star) {
            return Some(Selected::Columns);
        }
        if self.eat(&Token::SystemStar) {
            return Some(Selected::SystemFields);
        }
        let node = self.disjunction()?;
        let alias = if self.eat_word("as") { Some(self.name()?) } else { None };
        Some(Selected::Named(node, alias))
    }

    fn ordered(&mut self) -> Option<Ordered> {
        let node = self.disjunction()?;
        let descending = self.eat_word("desc");
        if !descending {
            self.eat_word("asc");
        }
        Some(Ordered { node, descending })
    }

    fn name(&mut self) -> Option<String> {
        let name = match self.peek()? {
            Token::Word(word) if !is_reserved(word) => word.clone(),
            Token::Quoted(name) => name.clone(),
            _ => return None,
        };
        self.place += 1;
        Some(name)
    }

    fn disjunction(&mut self) -> Option<Node> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return None;
        }
        let node = self.chain("or", Parser::conjunction, NodeKind::Or);
        self.depth -= 1;
        node
    }

    fn conjunction(&mut self) -> Option<Node> {
        self.chain("and", Parser::negation, NodeKind::And)
    }

    fn chain(
        &mut self,
        keyword: &str,
        part: impl Fn(&mut Parser<'a>) -> Option<Node>,
        join: impl Fn(Vec<Node>) -> NodeKind,
    ) -> Option<Node> {
        let first = part(self)?;
        let at = first.at;
        let mut parts = vec![first];
        while self.eat_word(keyword) {
            parts.push(part(self)?);
        }
        if parts.len() == 1 { parts.pop() } else { Some(Node { at, kind: join(parts) }) }
    }

    fn negation(&mut self) -> Option<Node> {
        let at = self.place;
        let mut negated = false;
        let mut any = false;
        while self.eat_word("not") {
            negated = !negated;
            any = true;
        }
        let node = self.comparison()?;
        let node = if any && !negated { negate(at, negate(at, node)) } else { node };
        Some(if negated { negate(at, node) } else { node })
    }

    fn comparison(&mut self) -> Option<Node> {
        let at = self.place;
        let left = Box::new(self.primary()?);
        if let Some(Token::Op(text)) = self.peek() {
            let op = operator(text)?;
            self.place += 1;
            let right = Box::new(self.primary()?);
            return Some(Node { at, kind: NodeKind::Compare(op, left, right) });
        }
        if self.eat_word("is") {
            let negated = self.eat_word("not");
            if !self.eat_word("null") {
                return None;
            }
            let node = Node { at, kind: NodeKind::IsNull(left) };
            return Some(if negated { negate(at, node) } else { node });
        }
        let negated = self.eat_word("not");
        let kind = if self.eat_word("between") {
            let low = Box::new(self.primary()?);
            if !self.eat_word("and") {
                return None;
            }
            NodeKind::Between(left, low, Box::new(self.primary()?))
        } else if self.eat_word("in") {
            if !self.eat(&Token::Open) {
                return None;
            }
            let items = self.list(Parser::primary)?;
            if !self.eat(&Token::Close) {
                return None;
            }
            NodeKind::In(left, items)
        } else if self.eat_word("like") {
            NodeKind::Like(left, Box::new(self.primary()?))
        } else if negated {
            return None;
        } else {
            return Some(*left);
        };
        let node = Node { at, kind };
        Some(if negated { negate(at, node) } else { node })
    }

    fn primary(&mut self) -> Option<Node> {
        let at = self.place;
        let token = self.peek()?;
        self.place += 1;
        let kind = match token {
            Token::Open => {
                let inner = self.disjunction()?;
                return self.eat(&Token::Close).then_some(inner);
            }
            Token::Text(value) => NodeKind::Text(value.clone()),
            Token::Number(digits) => NodeKind::Number(digits.parse().ok()?),
            Token::Op("-") => match self.peek()? {
                Token::Number(digits) => {
                    let value: f64 = digits.parse().ok()?;
                    self.place += 1;
                    NodeKind::Number(-value)
                }
                _ => return None,
            },
            Token::Quoted(name) => NodeKind::Column(name.clone()),
            Token::Word(word) if word.eq_ignore_ascii_case("true") => NodeKind::Bool(true),
            Token::Word(word) if word.eq_ignore_ascii_case("false") => NodeKind::Bool(false),
            Token::Word(word) if word.eq_ignore_ascii_case("null") => NodeKind::Null,
            Token::Word(word) if is_reserved(word) => return None,
            Token::Word(word) if self.eat(&Token::Open) => self.call(word)?,
            Token::Word(word) => NodeKind::Column(word.clone()),
            _ => return None,
        };
        Some(Node { at, kind })
    }

    fn call(&mut self, function: &str) -> Option<NodeKind> {
        let function = function.to_ascii_lowercase();
        if self.eat(&Token::Star) {
            return (function == "count" && self.eat(&Token::Close)).then_some(NodeKind::CountStar);
        }
        if self.eat(&Token::Close) {
            return Some(NodeKind::Call(function, Vec::new()));
        }
        let arguments = self.list(Parser::disjunction)?;
        self.eat(&Token::Close).then_some(NodeKind::Call(function, arguments))
    }
}

fn negate(at: usize, node: Node) -> Node {
    Node { at, kind: NodeKind::Not(Box::new(node)) }
}

fn is_reserved(word: &str) -> bool {
    RESERVED.iter().any(|reserved| word.eq_ignore_ascii_case(reserved))
}

fn operator(text: &str) -> Option<Op> {
    Some(match text {
        "=" | "==" => Op::Eq,
        "<>" | "!=" => Op::Ne,
        "<" => Op::Lt,
        "<=" => Op::Le,
        ">" => Op::Gt,
        ">=" => Op::Ge,
        _ => return None,
    })
}
