//! `specc why --row`: which rules hold of a row that is there, for a user that is there.
//!
//! Each condition is evaluated by the database, as whoever connects, who has to see all rows; what the session says is set as
//! a request would have it. Nothing is written: the transaction is read-only, and is rolled back.

use super::why::place;
use crate::args::{Format, Why};
use crate::report::{BROKEN, FINDINGS, Failure, data, say};
use serde_json::json;
use specc_diag::Sources;
use specc_lower::expr::of_row;
use specc_model::effective::{Effective, acts_as, bypasses};
use specc_model::formula::Formula;
use specc_model::{Entity, Model, Rls, Rule, RuleAction, Target};
use specc_postgres::postgres;
use specc_prove::{Asking, conjuncts};
use specc_sql::quote;
use std::process::ExitCode;

/// How the query calls the row.
const ROW: &str = "asked";

/// A rule with what the database says of it.
struct Held<'m> {
    rule: &'m Rule,
    narrows: bool,
    /// Whether it lets the row through.
    lets: bool,
    /// The parts of its condition, each true, false or null.
    parts: Vec<(&'m str, Option<bool>)>,
}

/// Says which rules hold of the row.
pub fn run(
    args: &Why,
    key: &str,
    asking: &Asking,
    model: &Model,
    sources: &Sources,
    format: Format,
) -> Result<ExitCode, Failure> {
    let entity = model.entity(asking.entity);
    if asking.command == RuleAction::Insert {
        return Err(Failure::broken("`--row` is a row that is there; an insert makes one"));
    }
    if entity.rls == Rls::Off || bypasses(model, &asking.role) {
        return Err(Failure::broken(format!("no rule decides here: ask without `--row` about `{}`", asking.role)));
    }
    let broken = |error: &dyn std::fmt::Display| Failure::broken(error.to_string());
    let found = found(entity, key)?;
    let address = super::database::address(&args.connection, &args.place.project)?;
    let mut session = address.connect().map_err(|error| broken(&error))?;
    let live = Live { model, entity, found, role: &asking.role, user: args.user.as_deref() };
    let mut transaction = session.transaction().map_err(|error| broken(&error))?;
    let said = live.ask(&mut transaction, asking).map_err(|error| Failure::broken(message(&error)))?;
    transaction.rollback().map_err(|error| broken(&error))?;
    let Some(Said { rules, reads }) = said else {
        return Err(Failure::broken(format!("`{}` has no row with the key {key}", entity.name.name)));
    };
    let lets = |rules: &[Held<'_>]| {
        rules.iter().any(|held| !held.narrows && held.lets) && rules.iter().all(|held| !held.narrows || held.lets)
    };
    let own = lets(&rules);
    let seen = reads.expected.as_deref().is_none_or(lets);
    let allowed = own && seen;
    let does = asking.command.word();
    let who = args.user.as_ref().map(|user| format!(" for {user}")).unwrap_or_default();
    let table = specc_prove::name(model, entity.id);
    // What the database itself lets the role read is not what the rules of the spec say.
    let predicted = reads.expected.as_deref().map_or(own, lets);
    let other = reads.really.filter(|really| *really != predicted);
    if format == Format::Json {
        let rule = |held: &Held<'_>| {
            let parts: Vec<_> =
                held.parts.iter().map(|(text, holds)| json!({ "text": text, "holds": holds })).collect();
            json!({
                "rule": held.rule.name, "narrows": held.narrows, "lets": held.lets, "parts": parts,
                "place": place(sources, held.rule.span),
            })
        };
        data(
            &json!({
                "role": asking.role, "user": args.user, "action": does, "entity": table, "row": key,
                "allowed": allowed, "reads": seen, "database_reads": reads.really,
                "rules": rules.iter().map(rule).collect::<Vec<_>>(),
            })
            .to_string(),
        );
    } else {
        let word = if allowed { "allowed" } else { "denied" };
        say(&format!(
            "{word}: `{}`{who} may{} {does} row {key} of `{table}`",
            asking.role,
            if allowed { "" } else { " not" }
        ));
        if rules.is_empty() {
            say(&format!("  no  no rule of `{table}` allows `{does}` to `{}`", asking.role));
        }
        for held in &rules {
            let mark = if held.lets { "yes" } else { "no " };
            let kind = if held.narrows { "forbidding rule" } else { "rule" };
            say(&format!("  {mark} {kind} `{}` ({})", held.rule.name, place(sources, held.rule.span)));
            for (text, holds) in &held.parts {
                let is = holds.map_or("null", |holds| if holds { "true" } else { "false" });
                say(&format!("        {is}: `{text}`"));
            }
        }
        if !seen {
            say(&format!(
                "  no  `{}` does not read the row, and a statement finds only rows that are read",
                asking.role
            ));
        }
    }
    if let Some(really) = other {
        let does = if really { "reads" } else { "does not read" };
        eprintln!(
            "warning: in this database `{}` {does} the row: its rules are not those of the spec (`specc drift` says how they \
             differ), or a plain query in a rule gives it fewer rows than whoever connects",
            asking.role
        );
        return Ok(ExitCode::from(BROKEN));
    }
    Ok(if allowed { ExitCode::SUCCESS } else { ExitCode::from(FINDINGS) })
}

/// The condition by which the row is found.
fn found(entity: &Entity, key: &str) -> Result<String, Failure> {
    let fields = entity.key.as_ref().map(|key| key.fields.as_slice()).unwrap_or_default();
    let values: Vec<&str> = match fields {
        [_] => vec![key],
        _ => key.split(',').map(str::trim).collect(),
    };
    if fields.is_empty() || values.len() != fields.len() {
        let names: Vec<&str> = fields.iter().map(|field| entity.fields[*field].name.as_str()).collect();
        let message = format!("`--row` takes the key of `{}`: {}", entity.name.name, names.join(", "));
        return Err(Failure::broken(message));
    }
    let part = |(field, value): (&usize, &str)| {
        format!("{ROW}.{} = {}", quote::ident(&entity.fields[*field].name), quote::text(value))
    };
    let parts: Vec<String> = fields.iter().zip(values).map(part).collect();
    Ok(parts.join(" and "))
}

fn message(error: &postgres::Error) -> String {
    match error.as_db_error() {
        Some(db) if db.code().code() == "42501" => {
            format!("whoever connects has to see all rows: {} (connect as the owner of the tables)", db.message())
        }
        Some(db) => db.message().to_owned(),
        None => error.to_string(),
    }
}

struct Live<'a> {
    model: &'a Model,
    entity: &'a Entity,
    found: String,
    role: &'a str,
    user: Option<&'a str>,
}

/// What is known of a row.
struct Said<'m> {
    rules: Vec<Held<'m>>,
    reads: Reads<'m>,
}

/// Whether the role reads the row.
struct Reads<'m> {
    /// By the rules for reading; none where those are what is asked.
    expected: Option<Vec<Held<'m>>>,
    /// What the database lets it read; none where it may not be asked.
    really: Option<bool>,
}

impl<'a> Live<'a> {
    fn ask(
        &self,
        transaction: &mut postgres::Transaction<'_>,
        asking: &Asking,
    ) -> Result<Option<Said<'a>>, postgres::Error> {
        transaction.batch_execute("set transaction read only")?;
        let options = &self.model.options;
        let mut claims = json!({ "role": self.role });
        if let Some(user) = self.user {
            claims["sub"] = user.into();
        }
        let settings = match options.target {
            Target::Supabase => vec![("request.jwt.claims", claims.to_string())],
            Target::Postgres | Target::Citus => vec![
                (options.claims_setting.as_str(), claims.to_string()),
                (options.viewer_setting.as_str(), self.user.unwrap_or_default().to_owned()),
            ],
        };
        for (name, value) in settings {
            transaction.execute("select set_config($1, $2, true)", &[&name, &value])?;
        }
        // Whoever is bound by the rules herself is told so, and not answered with fewer rows.
        transaction.batch_execute("set local row_security = off")?;
        let Some(rules) = self.rules(transaction, asking.command)? else { return Ok(None) };
        let expected = match asking.command {
            RuleAction::Select => None,
            _ => self.rules(transaction, RuleAction::Select)?,
        };
        transaction.batch_execute("set local row_security = on")?;
        let really = self.really(transaction)?;
        Ok(Some(Said { rules, reads: Reads { expected, really } }))
    }

    fn table(&self) -> String {
        quote::qualified(&self.entity.name.schema, &self.entity.name.name)
    }

    /// The rules that decide, evaluated; none where the row is not there.
    fn rules(
        &self,
        transaction: &mut postgres::Transaction<'_>,
        command: RuleAction,
    ) -> Result<Option<Vec<Held<'a>>>, postgres::Error> {
        let decision = Effective::decision(self.model, self.entity, &acts_as(self.model, self.role), command);
        let lines = decision.map(|decision| decision.lines()).unwrap_or_default();
        // What closes columns says nothing of the row.
        let lines: Vec<_> = lines.into_iter().filter(|line| !line.narrows || line.columns.is_empty()).collect();
        let parts: Vec<Vec<(&Formula, &str)>> = lines
            .iter()
            .map(|line| match &line.rule.when {
                Some(when) => std::iter::once((&when.formula, when.text.as_str())).chain(conjuncts(when)).collect(),
                None => Vec::new(),
            })
            .collect();
        let mut columns = vec!["true".to_owned()];
        for (formula, _) in parts.iter().flatten() {
            columns.push(format!("({})::boolean", of_row(self.model, self.entity.id, ROW, formula)));
        }
        let sql = format!("select {} from {} as {ROW} where {}", columns.join(", "), self.table(), self.found);
        let Some(row) = transaction.query_opt(&sql, &[])? else { return Ok(None) };
        let mut at = 1;
        let mut held = Vec::new();
        for (line, parts) in lines.iter().zip(parts) {
            let mut values = Vec::new();
            for (_, text) in parts {
                values.push((text, row.try_get::<_, Option<bool>>(at)?));
                at += 1;
            }
            let whole = values.first().and_then(|(_, holds)| *holds);
            let rule = line.rule;
            let lets = match (rule.when.is_some(), line.narrows) {
                (false, narrows) => !narrows,
                (true, false) => whole == Some(true),
                (true, true) => (whole == Some(true)) == (rule.unless || rule.exact),
            };
            // One part is the whole.
            let parts = if values.len() == 2 { values.split_off(1) } else { values.into_iter().skip(1).collect() };
            held.push(Held { rule, narrows: line.narrows, lets, parts });
        }
        Ok(Some(held))
    }

    /// Whether the role reads the row here; none where whoever connects cannot take the role.
    fn really(&self, transaction: &mut postgres::Transaction<'_>) -> Result<Option<bool>, postgres::Error> {
        let mut inner = transaction.transaction()?;
        let taken = inner.batch_execute(&format!("set local role {}", quote::ident(self.role)));
        if taken.is_err() {
            inner.rollback()?;
            return Ok(None);
        }
        let sql = format!("select 1 from {} as {ROW} where {}", self.table(), self.found);
        let found = inner.query_opt(&sql, &[]);
        inner.rollback()?;
        match found {
            Ok(row) => Ok(Some(row.is_some())),
            Err(error) if error.code() == Some(&postgres::error::SqlState::INSUFFICIENT_PRIVILEGE) => Ok(Some(false)),
            Err(error) => Err(error),
        }
    }
}
