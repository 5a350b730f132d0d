//! Access lists as Postgres writes them: `anon=arw*/owner`.

use smol_str::SmolStr;
use specc_catalog::Privilege;
use std::collections::BTreeMap;

/// What one entry of an access list says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Item {
    /// `public` for everyone.
    pub grantee: SmolStr,
    /// The privilege, and whether it may be given on.
    pub privileges: Vec<(&'static str, bool)>,
}

/// Reads one entry.
pub(crate) fn item(text: &str) -> Option<Item> {
    let (grantee, rest) = name(text)?;
    let rest = rest.strip_prefix('=')?;
    let mut privileges: Vec<(&'static str, bool)> = Vec::new();
    for letter in rest.chars() {
        match letter {
            '/' => break,
            '*' => privileges.last_mut()?.1 = true,
            letter => privileges.push((word(letter)?, false)),
        }
    }
    let grantee = if grantee.is_empty() { "public".into() } else { grantee };
    Some(Item { grantee, privileges })
}

/// The name at the start, and what follows.
fn name(text: &str) -> Option<(SmolStr, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find('=')?;
        return Some((text[..end].into(), &text[end..]));
    };
    let mut name = String::new();
    let mut rest = quoted;
    loop {
        let end = rest.find('"')?;
        name.push_str(&rest[..end]);
        rest = &rest[end + 1..];
        let Some(more) = rest.strip_prefix('"') else { return Some((name.into(), rest)) };
        name.push('"');
        rest = more;
    }
}

fn word(letter: char) -> Option<&'static str> {
    Some(match letter {
        'a' => "insert",
        'r' => "select",
        'w' => "update",
        'd' => "delete",
        'D' => "truncate",
        'x' => "references",
        't' => "trigger",
        'm' => "maintain",
        'X' => "execute",
        'U' => "usage",
        'C' => "create",
        'T' => "temporary",
        'c' => "connect",
        's' => "set",
        'A' => "alter system",
        _ => return None,
    })
}

/// Privileges by grantee; what several grantors gave is one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Given(BTreeMap<SmolStr, BTreeMap<(SmolStr, bool), Held>>);

/// On the whole object, or some of its columns.
#[derive(Clone, Debug, Default)]
struct Held {
    whole: bool,
    columns: Vec<SmolStr>,
}

impl Given {
    /// Adds an access list; that of a column where one is named. What the owner has is not listed.
    pub fn add(&mut self, acl: &[String], owner: &str, column: Option<&str>) {
        for item in acl.iter().filter_map(|text| item(text)) {
            if item.grantee == owner {
                continue;
            }
            let held = self.0.entry(item.grantee).or_default();
            for (privilege, grantable) in item.privileges {
                let held = held.entry((privilege.into(), grantable)).or_default();
                match column {
                    Some(column) => held.columns.push(column.into()),
                    None => held.whole = true,
                }
            }
        }
    }

    /// Whether a grantee has a privilege on the whole object.
    pub fn has(&self, grantee: &str, privilege: &str) -> bool {
        [false, true].iter().any(|&grantable| {
            let held = self.0.get(grantee).and_then(|held| held.get(&(privilege.into(), grantable)));
            held.is_some_and(|held| held.whole)
        })
    }

    /// Takes everything from a grantee.
    pub fn forget(&mut self, grantee: &str) {
        self.0.remove(grantee);
    }

    /// Takes a privilege on the whole object from a grantee; whether it had it.
    pub fn take(&mut self, grantee: &str, privilege: &str) -> bool {
        let had = self.has(grantee, privilege);
        if let Some(held) = self.0.get_mut(grantee) {
            held.remove(&(privilege.into(), false));
            if held.is_empty() {
                self.0.remove(grantee);
            }
        }
        had
    }

    /// Each grantee with its privileges, sorted. What may be given on is not listed again without.
    pub fn finish(self) -> Vec<(SmolStr, Vec<Privilege>)> {
        let one = |(grantee, held): (SmolStr, BTreeMap<(SmolStr, bool), Held>)| {
            let mut privileges = Vec::new();
            for ((name, grantable), mut one) in held.clone() {
                let better = held.get(&(name.clone(), true)).filter(|_| !grantable);
                let better_whole = better.is_some_and(|better| better.whole);
                if let Some(better) = better {
                    one.columns.retain(|column| !better.columns.contains(column));
                }
                if one.whole && !better_whole {
                    privileges.push(Privilege { name: name.clone(), columns: Vec::new(), grantable });
                }
                if !one.columns.is_empty() {
                    one.columns.sort();
                    one.columns.dedup();
                    privileges.push(Privilege { name, columns: one.columns, grantable });
                }
            }
            privileges.sort();
            (grantee, privileges)
        };
        self.0.into_iter().map(one).filter(|(_, privileges)| !privileges.is_empty()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_read_as_postgres_writes_them() {
        let item = |text| super::item(text).unwrap();
        assert_eq!(item("=X/owner").grantee, "public");
        assert_eq!(item("\"my \"\"role\"=ar*/o").grantee, "my \"role");
        assert_eq!(item("x=ar*w/o").privileges, [("insert", false), ("select", true), ("update", false)]);
    }

    #[test]
    fn what_several_gave_is_one() {
        let mut given = Given::default();
        given.add(&["a=r*w/o".into(), "a=rw/b".into(), "o=r/o".into()], "o", None);
        given.add(&["a=d/o".into(), "a=w/o".into()], "o", Some("c"));
        let finished = given.finish();
        assert_eq!(finished.len(), 1);
        let shown: Vec<_> = finished[0].1.iter().map(|p| (p.name.as_str(), p.columns.len(), p.grantable)).collect();
        assert_eq!(shown, [("delete", 1, false), ("select", 0, true), ("update", 0, false), ("update", 1, false)]);
    }
}
