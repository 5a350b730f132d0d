//! The keys that `on conflict` names.

use crate::scope::Source;
use crate::walk::Walk;
use smol_str::SmolStr;

impl Walk<'_> {
    /// Keeps what `on conflict` names, for who knows the keys.
    pub(crate) fn conflict(&mut self, table: &Source, place: Option<(usize, usize)>, target: crate::ConflictTarget) {
        if let (Some(relation), Some((start, end)), 0) = (&table.relation, place, self.caught) {
            self.out.conflicts.push(crate::Conflict { start, end, relation: relation.clone(), target });
        }
    }

    /// Expressions and the condition of an index, which the parser does not read after `on conflict`; whether there is
    /// something.
    pub(crate) fn conflict_target(&mut self, target: &Source) -> bool {
        let Some((start, end)) = self.conflicts.pop_front() else { return false };
        let text = self.text;
        let mut depth = 0usize;
        let mut close = end;
        for token in specc_split::Lexer::new(&text[start..end]).map_while(Result::ok) {
            match token.kind {
                specc_split::TokenKind::Symbol(b'(') => depth += 1,
                specc_split::TokenKind::Symbol(b')') => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        close = start + token.start;
                        break;
                    }
                }
                _ => {}
            }
        }
        if close < end && text[start..].starts_with('(') {
            self.read_expression(start + 1, close);
            self.unreadable = None;
            let names = text[start + 1..close].split(',').map(|name| name.trim().to_lowercase());
            let is_plain = |name: &SmolStr| name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
            let names: Vec<SmolStr> = names.map(SmolStr::from).collect();
            if names.iter().all(is_plain) {
                self.conflict(target, Some((start, close + 1)), crate::ConflictTarget::Columns(names, true));
            }
            let rest = &text[close + 1..end];
            let head = rest.len() - rest.trim_start().len();
            if rest.trim_start().get(..5).is_some_and(|word| word.eq_ignore_ascii_case("where")) {
                self.read_expression(close + 1 + head + 5, end);
                self.unreadable = None;
            }
        }
        start < end
    }
}
