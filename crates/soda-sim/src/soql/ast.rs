//! The tree a clause parses to, before names and types are looked at.

/// A node and the token it begins at, for the caret in an error.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) at: usize,
    pub(crate) kind: NodeKind,
}

/// Two nodes are equal when they have the same meaning, wherever they are.
impl PartialEq for Node {
    fn eq(&self, other: &Node) -> bool {
        self.kind == other.kind
    }
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum NodeKind {
    Column(String),
    Text(String),
    Number(f64),
    Bool(bool),
    Null,
    /// `count(*)`.
    CountStar,
    Call(String, Vec<Node>),
    Compare(Op, Box<Node>, Box<Node>),
    And(Vec<Node>),
    Or(Vec<Node>),
    Not(Box<Node>),
    IsNull(Box<Node>),
    Between(Box<Node>, Box<Node>, Box<Node>),
    In(Box<Node>, Vec<Node>),
    Like(Box<Node>, Box<Node>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Op {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
}

impl Op {
    /// Returns the operator's name in a type mismatch.
    pub(crate) fn function(self) -> &'static str {
        match self {
            Op::Eq => "op$=",
            Op::Ne => "op$<>",
            Op::Lt => "op$<",
            Op::Le => "op$<=",
            Op::Gt => "op$>",
            Op::Ge => "op$>=",
        }
    }

    /// Returns whether it compares by order, not just for equality.
    pub(crate) fn is_ordering(self) -> bool {
        !matches!(self, Op::Eq | Op::Ne)
    }

    /// Returns the operator with the same meaning for exchanged sides.
    pub(crate) fn flipped(self) -> Op {
        match self {
            Op::Lt => Op::Gt,
            Op::Le => Op::Ge,
            Op::Gt => Op::Lt,
            Op::Ge => Op::Le,
            same => same,
        }
    }
}

/// A thing to select.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Selected {
    /// `*`.
    Columns,
    /// `:*`.
    SystemFields,
    /// An expression, perhaps under another name.
    Named(Node, Option<String>),
}

/// A thing to order by.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Ordered {
    pub(crate) node: Node,
    pub(crate) descending: bool,
}
