//! Front-end code as a tree of nodes in one list, parents before children. Nothing here or below recurses over it, so that
//! depth costs no stack.

use std::ops::ControlFlow;
use tree_sitter::{ParseOptions, ParseState, Parser, TreeCursor};

/// A node, by its place in the list.
pub(crate) type NodeId = u32;

/// No node.
const NONE: u32 = u32::MAX;

/// A node of the tree: one that has a name in the grammar, or is a field of its parent.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub kind: &'static str,
    pub field: Option<&'static str>,
    pub start: u32,
    pub end: u32,
    pub parent: NodeId,
    first: NodeId,
    next: NodeId,
}

/// The tree of a text.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    nodes: Vec<Node>,
    /// Where the text cannot be parsed.
    pub errors: Vec<(u32, u32)>,
}

/// Whether a text may have JSX: `<T>x` is a cast in a file of plain TypeScript only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// Without JSX.
    TypeScript,
    /// With JSX, with types or without.
    Tsx,
}

/// How many rounds of the parser a byte may take, of a hundred steps each. Code takes less than one; the parser looks for what
/// could be meant by a text that is no code for much longer.
const ROUNDS: usize = 2;

impl Tree {
    /// Of a text that begins at `offset` of its file. None where the parser does not come to an end.
    ///
    /// The grammar with JSX reads all but casts that are written `<T>x`, so it is the only one in the binary.
    pub(crate) fn parse(text: &str, dialect: Dialect, offset: u32) -> Option<Self> {
        let tree = Self::with_jsx(text, offset)?;
        if tree.errors.is_empty() || dialect == Dialect::Tsx {
            return Some(tree);
        }
        let other = Self::with_jsx(&without_casts(text), offset)?;
        Some(if other.errors.is_empty() { other } else { tree })
    }

    fn with_jsx(text: &str, offset: u32) -> Option<Self> {
        let mut parser = Parser::new();
        parser.set_language(&tree_sitter_typescript::LANGUAGE_TSX.into()).ok()?;
        let mut left = text.len().saturating_mul(ROUNDS).saturating_add(10_000);
        let mut progress = |_: &ParseState| {
            left = left.saturating_sub(1);
            if left == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let mut read = |at: usize, _| text.as_bytes().get(at..).unwrap_or_default();
        let options = ParseOptions::new().progress_callback(&mut progress);
        let parsed = parser.parse_with_options(&mut read, None, Some(options))?;
        let mut tree = Self::default();
        tree.copy(&mut parsed.walk(), offset);
        Some(tree)
    }

    fn copy(&mut self, cursor: &mut TreeCursor<'_>, offset: u32) {
        let mut open: Vec<(NodeId, NodeId)> = Vec::new();
        loop {
            let node = cursor.node();
            let (start, end) = (node.start_byte() as u32 + offset, node.end_byte() as u32 + offset);
            if node.is_error() || node.is_missing() {
                self.errors.push((start, end));
            }
            let field = cursor.field_name();
            let kept = (node.is_named() || field.is_some()) && node.kind() != "comment";
            let mut down = false;
            if kept {
                let id = self.nodes.len() as NodeId;
                let parent = open.last().map_or(NONE, |(parent, _)| *parent);
                self.nodes.push(Node { kind: node.kind(), field, start, end, parent, first: NONE, next: NONE });
                if let Some((parent, last)) = open.last_mut() {
                    match *last {
                        NONE => self.nodes[*parent as usize].first = id,
                        last => self.nodes[last as usize].next = id,
                    }
                    *last = id;
                }
                down = cursor.goto_first_child();
                if down {
                    open.push((id, NONE));
                }
            }
            if down {
                continue;
            }
            while !cursor.goto_next_sibling() {
                if !cursor.goto_parent() {
                    return;
                }
                open.pop();
            }
        }
    }

    pub(crate) fn len(&self) -> NodeId {
        self.nodes.len() as NodeId
    }

    pub(crate) fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id as usize]
    }

    pub(crate) fn kind(&self, id: NodeId) -> &'static str {
        self.node(id).kind
    }

    pub(crate) fn children(&self, id: NodeId) -> impl Iterator<Item = NodeId> {
        let mut at = self.node(id).first;
        std::iter::from_fn(move || {
            let id = at;
            (id != NONE).then(|| {
                at = self.node(id).next;
                id
            })
        })
    }

    /// The child that is this field.
    pub(crate) fn field(&self, id: NodeId, name: &str) -> Option<NodeId> {
        self.children(id).find(|child| self.node(*child).field == Some(name))
    }

    /// The first child of this kind.
    pub(crate) fn child(&self, id: NodeId, kind: &str) -> Option<NodeId> {
        self.children(id).find(|child| self.kind(*child) == kind)
    }

    pub(crate) fn parent(&self, id: NodeId) -> Option<NodeId> {
        Some(self.node(id).parent).filter(|parent| *parent != NONE)
    }

    /// The node and all below it: they follow it in the list.
    pub(crate) fn below(&self, id: NodeId) -> impl Iterator<Item = NodeId> + '_ {
        let end = self.node(id).end;
        (id..self.len()).take_while(move |at| *at == id || self.node(*at).start < end)
    }

    /// The expression that stands in brackets, casts and the like.
    pub(crate) fn bare(&self, mut id: NodeId) -> NodeId {
        loop {
            let inner = match self.kind(id) {
                "parenthesized_expression"
                | "as_expression"
                | "satisfies_expression"
                | "non_null_expression"
                | "await_expression" => self.children(id).next(),
                "type_assertion" => self.children(id).last(),
                _ => None,
            };
            match inner {
                Some(inner) => id = inner,
                None => return id,
            }
        }
    }
}

/// The text with blanks in place of casts, as long as before. A `<` where an expression begins is a cast in a text without
/// JSX, or has the parameters of a function.
fn without_casts(text: &str) -> String {
    let mut out = text.as_bytes().to_vec();
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(found) = text[at..].find('<') {
        let open = at + found;
        at = open + 1;
        let before = text[..open].trim_end();
        let word = before.rsplit(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default();
        let begins = before.ends_with(['=', '(', ',', '[', '?', ':', '&', '|', '!', '{', ';', '.'])
            || before.ends_with("=>")
            || matches!(word, "return" | "await" | "yield" | "case" | "default");
        if !begins {
            continue;
        }
        // Types have no more than these; the bound keeps a text of many `<` from being read over and over.
        let is_type = |b: &u8| b.is_ascii_alphanumeric() || b"_$.,<>[]|& '\"".contains(b);
        let (mut depth, mut end) = (0usize, None);
        for (n, b) in bytes[open..].iter().take_while(|b| is_type(b)).take(200).enumerate() {
            depth = match b {
                b'<' => depth + 1,
                b'>' => depth - 1,
                _ => depth,
            };
            if depth == 0 {
                end = Some(open + n);
                break;
            }
        }
        let Some(end) = end else { continue };
        if bytes.get(end + 1) != Some(&b'(') {
            out[open..=end].fill(b' ');
        }
        at = end + 1;
    }
    String::from_utf8(out).unwrap_or_else(|_| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::{Dialect, Tree};

    #[test]
    fn casts_and_generic_functions_are_read() {
        let text =
            "const a = <Map<string, A[]>>b; f(<any>c, <T>(x: T) => <T>x); if (a < b && c > d) { return <Row>e.f; }";
        let tree = Tree::parse(text, Dialect::TypeScript, 0).expect("a tree");
        assert_eq!(tree.errors, []);
        assert!(!Tree::parse(text, Dialect::Tsx, 0).expect("a tree").errors.is_empty());
    }

    #[test]
    fn no_text_takes_for_ever() {
        for part in
            ["(", "[", "{", "<a>", "`${", "!", "a?b:", "a=>", "a<", "\"", "x={a:", "if(a)", "@#$)(}{", "<", "é", "\0"]
        {
            let text = part.repeat(20_000 / part.len());
            for dialect in [Dialect::TypeScript, Dialect::Tsx] {
                if let Some(tree) = Tree::parse(&text, dialect, 0) {
                    assert!(!tree.errors.is_empty() || part == "é" || part == "\0" || part == "!", "{part}");
                }
            }
        }
    }

    #[test]
    fn children_follow_their_parents() {
        let tree = Tree::parse("const a = (b.c(1) as X)!;", Dialect::TypeScript, 5).expect("a tree");
        assert!(tree.errors.is_empty());
        let value = (0..tree.len()).find(|id| tree.node(*id).field == Some("value")).expect("a value");
        let call = tree.bare(value);
        assert_eq!(tree.kind(call), "call_expression");
        assert_eq!((tree.node(call).start, tree.node(call).end), (16, 22));
        assert!(tree.below(call).skip(1).all(|id| id > call && tree.node(id).end <= 22));
        for id in 1..tree.len() {
            assert!(tree.parent(id).is_some_and(|parent| parent < id && tree.children(parent).any(|c| c == id)));
        }
    }
}
