//! Who gets something on every new object, before the spec grants anything.

use smol_str::SmolStr;
use specc_catalog::Grantees;
use specc_model::{Model, Target};
use specc_split::{Lexer, Token, TokenKind};
use std::collections::BTreeSet;

/// The roles to which default privileges give something, the platform's own or those of a block of SQL: a new object
/// comes with it, and what the spec does not grant is taken back.
pub(super) fn grantees(model: &Model) -> Grantees {
    let mut all = ByKind::default();
    if model.options.target == Target::Supabase {
        all.objects.extend(super::everyone_at_the_api(model));
        all.sequences.extend(super::everyone_at_the_api(model));
    }
    model.sql_blocks.iter().for_each(|block| read(&block.up, &mut all));
    // Everyone may use a type anyway.
    all.types.remove("public");
    let [objects, types, sequences, schemas] =
        [all.objects, all.types, all.sequences, all.schemas].map(|roles| roles.into_iter().collect());
    Grantees { objects, types, sequences, schemas }
}

#[derive(Default)]
struct ByKind {
    objects: BTreeSet<SmolStr>,
    types: BTreeSet<SmolStr>,
    sequences: BTreeSet<SmolStr>,
    schemas: BTreeSet<SmolStr>,
}

fn read(text: &str, all: &mut ByKind) {
    let tokens: Vec<Token> = Lexer::new(text).map_while(Result::ok).collect();
    for statement in tokens.split(|token| token.kind == TokenKind::Symbol(b';')) {
        let starts = ["alter", "default", "privileges"].iter().zip(statement).all(|(word, token)| token.is(text, word));
        let grants = statement.iter().any(|token| token.is(text, "grant"));
        let Some(to) = statement.iter().position(|token| token.is(text, "to")) else { continue };
        if statement.len() > 3 && starts && grants {
            let is_on = |word: &str| {
                let mut pairs = statement[..to].iter().zip(&statement[1..]);
                pairs.any(|(on, what)| on.is(text, "on") && what.is(text, word))
            };
            let roles = statement[to + 1..].iter().take_while(|token| !token.is(text, "with"));
            let roles: Vec<SmolStr> = roles.filter_map(|token| role(text, token)).collect();
            if is_on("sequences") {
                all.sequences.extend(roles.iter().cloned());
            }
            let given = match () {
                () if is_on("types") => &mut all.types,
                () if is_on("schemas") => &mut all.schemas,
                () => &mut all.objects,
            };
            given.extend(roles);
        }
    }
}

/// The name of a role; none for a word that stands for whoever runs the statement, who owns what is made.
fn role(text: &str, token: &Token) -> Option<SmolStr> {
    const OWNER: [&str; 4] = ["group", "current_user", "current_role", "session_user"];
    let name = token.name(text)?;
    (token.kind == TokenKind::Quoted || !OWNER.contains(&name.as_str())).then(|| name.into())
}

#[cfg(test)]
mod tests {
    fn by_kind(text: &str) -> [Vec<String>; 4] {
        let mut all = super::ByKind::default();
        super::read(text, &mut all);
        [all.objects, all.types, all.sequences, all.schemas].map(|roles| roles.into_iter().map(String::from).collect())
    }

    fn of(text: &str) -> Vec<String> {
        by_kind(text)[0].clone()
    }

    #[test]
    fn each_kind_has_its_own() {
        let text = "
            alter default privileges in schema app grant usage on types to designers;
            alter default privileges grant usage, create on schemas to \"on\", builders;
            alter default privileges grant usage on sequences to counters;
            alter default privileges grant all on functions to types;";
        let objects = vec!["counters", "types"];
        assert_eq!(by_kind(text), [objects, vec!["designers"], vec!["counters"], vec!["builders", "on"]]);
    }

    #[test]
    fn whoever_a_block_gives_something_by_default_is_found() {
        let text = "
            -- alter default privileges grant select on tables to nobody;
            select 'alter default privileges grant select on tables to nobody';
            ALTER DEFAULT PRIVILEGES FOR ROLE postgres IN SCHEMA app
                GRANT ALL ON TABLES TO reporting, \"Odd \"\"one\", public WITH GRANT OPTION;
            alter default privileges revoke execute on functions from other;
            alter default privileges grant usage on sequences to current_user, group writers;
            grant select on table t to someone;";
        assert_eq!(of(text), ["Odd \"one", "public", "reporting", "writers"]);
        assert_eq!(of("grant"), [""; 0]);
    }
}
