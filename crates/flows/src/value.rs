//! What an expression is worth, as far as the code says it.

use crate::request::{Client, Piece};
use crate::syntax::NodeId;
use smol_str::SmolStr;
use specc_diag::{FileId, Span};
use std::rc::Rc;

/// A node of a unit.
pub(crate) type Place = (usize, NodeId);

/// What an expression is worth.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum Value {
    /// Known when the code runs.
    #[default]
    Unknown,
    /// Being worked out, or too far away: asked again later.
    Open,
    Text(Text),
    /// An object, list, function, class or enum.
    Node(Place),
    /// All that a unit gives.
    Module(usize),
    /// What a package gives.
    Package(SmolStr, SmolStr),
    /// A client of the API.
    Client(Rc<Client>),
    /// `client.from(table)`
    Table(Rc<Table>),
    /// The files of all buckets.
    Storage(Rc<Client>),
    /// `client.storage.from(bucket)`
    Bucket(Rc<(Client, Option<Text>)>),
    /// `client.channel(name)`
    Channel(Rc<Client>),
    /// A request, by its place in the list.
    Request(usize),
}

/// A text, with the place of its first byte where it is written in a row.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Text {
    pub text: SmolStr,
    pub at: Option<(FileId, u32)>,
}

/// A table of which nothing is asked yet.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Table {
    pub client: Client,
    pub schema: Option<Piece>,
    /// None where the code does not say it.
    pub name: Option<Piece>,
    pub span: Span,
}

impl Text {
    /// As it stands in an expression.
    pub(crate) fn piece(&self, span: Span) -> Piece {
        let at = self.at.filter(|(file, _)| *file == span.file).map(|(_, at)| at);
        Piece { text: self.text.clone(), span, at }
    }
}

impl Value {
    /// Whether it is worth remembering.
    pub(crate) fn is_final(&self) -> bool {
        *self != Value::Open
    }

    /// Whether something is known of it.
    pub(crate) fn is_known(&self) -> bool {
        !matches!(self, Value::Unknown | Value::Open)
    }
}
