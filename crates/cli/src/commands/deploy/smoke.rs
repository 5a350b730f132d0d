//! Each role asks each table: whether it is let in is what the rules say. Whatever else is
//! asked of a database that is deployed has its place here: what it gives are checks like any other.

use crate::pipeline::Compilation;
use crate::report::plural;
use specc_deploy::Looked;
use specc_model::effective::{Effective, acts_as, bypasses, known_roles};
use specc_model::{Rls, RuleAction, Target};
use specc_postgres::{Session, postgres};
use specc_sql::quote;
use std::collections::BTreeSet;

/// The roles as which the platform's API asks.
const API: [&str; 3] = ["anon", "authenticated", "service_role"];

/// Asks as each role that a rule names, and as those of the API, in transactions that read only and are rolled back.
pub fn as_each_role(session: &mut Session, compilation: &Compilation) -> Vec<Looked> {
    let model = &compilation.model;
    let own = model.entities.iter().filter(|entity| !entity.external);
    let named: BTreeSet<&str> =
        own.flat_map(|entity| &entity.rules).flat_map(|rule| &rule.roles).map(|role| role.as_str()).collect();
    let of_api = |role: &str| model.options.target == Target::Supabase && API.contains(&role);
    let roles = known_roles(model)
        .into_iter()
        .filter(|role| role != "public" && (named.contains(role.as_str()) || of_api(role)));
    roles.map(|role| one(session, compilation, &role)).collect()
}

fn one(session: &mut Session, compilation: &Compilation, role: &str) -> Looked {
    let name = format!("as {role}");
    let unasked = |error: &postgres::Error| {
        let said = error.as_db_error().map_or_else(|| error.to_string(), |db| db.message().to_owned());
        Looked::unknown(&name, said, "grant the role to who connects, as Supabase does to `postgres`")
    };
    if let Err(error) =
        session.batch_execute("begin read only; set local statement_timeout to '10s'; set local lock_timeout to '2s'")
    {
        return unasked(&error);
    }
    let asked = ask(session, compilation, role);
    let _ = session.batch_execute("rollback");
    match asked {
        Err(error) => unasked(&error),
        Ok((asked, wrong)) if wrong.is_empty() => {
            Looked::passed(&name, format!("{}: let in and kept out as the rules say", plural(asked, "table")))
        }
        Ok((_, wrong)) => Looked::failed(
            &name,
            wrong.join("; "),
            "`specc drift` says how the database differs, `specc why` which rules decide",
        ),
    }
}

/// How many tables were asked, and where the answer is another than the rules'.
fn ask(session: &mut Session, compilation: &Compilation, role: &str) -> Result<(usize, Vec<String>), postgres::Error> {
    let model = &compilation.model;
    let roles = acts_as(model, role);
    let claims = serde_json::json!({ "role": role }).to_string();
    session.execute("select set_config('request.jwt.claims', $1, true)", &[&claims])?;
    session.batch_execute(&format!("set local role {}", quote::ident(role)))?;
    let (mut asked, mut wrong) = (0, Vec::new());
    for entity in model.entities.iter().filter(|entity| !entity.external && entity.rls != Rls::Off) {
        let decision = Effective::decision(model, entity, &roles, RuleAction::Select);
        let columns = decision.as_ref().and_then(|decision| decision.columns.clone());
        let expected = decision.is_some() || bypasses(model, role);
        let first =
            columns.as_ref().and_then(|columns| columns.first()).map(|at| quote::ident(&entity.fields[*at].name));
        let table = quote::qualified(&entity.name.schema, &entity.name.name);
        session.batch_execute("savepoint asked")?;
        let answer = session.query(&format!("select {} from {table} limit 1", first.as_deref().unwrap_or("1")), &[]);
        session.batch_execute("rollback to savepoint asked")?;
        asked += 1;
        match answer {
            Ok(_) if expected => {}
            Ok(_) => wrong.push(format!("reads {table}, which no rule allows")),
            Err(error) if error.code().is_some_and(|code| code.code() == "42501") => {
                if expected {
                    wrong.push(format!("may not read {table}, which a rule allows"));
                }
            }
            Err(error) => {
                let said = error.as_db_error().map_or_else(|| error.to_string(), |db| db.message().to_owned());
                wrong.push(format!("gets an error from {table}: {said}"));
            }
        }
    }
    Ok((asked, wrong))
}
