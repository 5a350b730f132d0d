//! Requests where the rows of a case are, on whatever server has them.

use crate::exchange::Exchange;
use crate::matrix::{Draft, drafts};
use crate::report::Report;
use crate::send::{Courier, Within};
use crate::surface::Surface;
use specc_postgres::Session;
use specc_postgres::postgres;
use specc_prove::{Matrix, Samples};
use specc_trial::{Run, Skipped};
use std::collections::BTreeMap;

/// What is done where the rows are.
pub type Act<'a> = &'a mut dyn FnMut(&mut Session) -> Result<(), postgres::Error>;

/// Does something where the rows of a run are, in a transaction that is undone; or says why they could not be made. The flag:
/// without the author's triggers on its table.
pub type Stage<'a, E> = &'a mut dyn FnMut(&Run, bool, Act<'_>) -> Result<Result<(), String>, E>;

/// What is asked, and by whom.
pub struct Asking<'a> {
    /// Values that columns take.
    pub samples: &'a Samples,
    /// The settings of a role that asks for nobody.
    pub nobody: &'a dyn Fn(&str) -> Vec<String>,
    /// Whether a function is asked.
    pub is_wanted: &'a dyn Fn(&str) -> bool,
    /// Where names are looked for besides the schema of a request.
    pub search: Vec<String>,
}

/// Makes the requests of a matrix, and calls the functions.
///
/// # Errors
/// Where the server breaks.
pub fn staged<E>(
    surface: &Surface<'_>,
    matrix: &Matrix,
    asking: &Asking<'_>,
    report: &mut Report,
    stage: Stage<'_, E>,
) -> Result<(), E> {
    let (drafts, skipped) = drafts(surface, matrix, asking.samples);
    report.skipped.extend(skipped);
    report.skipped.extend(surface.everyone());
    let mut courier = Courier::new(&surface.anon, &asking.search);
    for draft in &drafts {
        of_draft(&mut courier, surface, draft, report, stage)?;
    }
    let mut calls = crate::columns::columns(surface, asking.nobody);
    calls.extend(crate::columns::unguarded(surface, asking.nobody));
    calls.extend(crate::calls::calls(surface, asking.nobody));
    calls.retain(|exchange| (asking.is_wanted)(&exchange.entity));
    let mut replies = Vec::new();
    let done = stage(&Run::default(), false, &mut |session| {
        for exchange in &calls {
            replies.push(courier.send(session, &exchange.request, Within::Open)?);
        }
        Ok(())
    })?;
    let answered = replies.len();
    calls.iter().cloned().zip(replies).for_each(|(exchange, reply)| report.add(exchange, reply));
    if let Err(why) = done {
        calls[answered..].iter().for_each(|exchange| report.skip(exchange, why.clone()));
    }
    Ok(())
}

/// Asks where the rows of one database are; what a trigger of the author's refuses, once more without it.
fn of_draft<E>(
    courier: &mut Courier,
    surface: &Surface<'_>,
    draft: &Draft<'_>,
    report: &mut Report,
    stage: Stage<'_, E>,
) -> Result<(), E> {
    let mut exchanges: Vec<Exchange> = Vec::new();
    let mut replies = Vec::new();
    let first = stage(&draft.run, false, &mut |session| {
        exchanges = asked(session, surface, draft)?;
        for exchange in &exchanges {
            replies.push(courier.send(session, &exchange.request, Within::Open)?);
        }
        Ok(())
    })?;
    if let Err(why) = first {
        report.skipped.push(Skipped {
            entity: draft.run.entity.clone(),
            what: draft.words(),
            why: format!("Postgres does not take its rows: {why}"),
            span: draft.run.rules.first().copied(),
        });
        return Ok(());
    }
    report.databases += 1;
    let pairs = exchanges.iter().zip(&replies).enumerate();
    let unclear = pairs.filter(|(_, (exchange, reply))| exchange.is_unclear(reply, &surface.anon));
    let unclear: Vec<usize> = unclear.map(|(at, _)| at).collect();
    let mut again = BTreeMap::new();
    if !unclear.is_empty() {
        // Where even that cannot be made, the first answer stands.
        let _ = stage(&draft.run, true, &mut |session| {
            for at in &unclear {
                again.insert(*at, courier.send(session, &exchanges[*at].request, Within::Open)?);
            }
            Ok(())
        })?;
    }
    for (at, (exchange, reply)) in exchanges.into_iter().zip(replies).enumerate() {
        report.add(exchange, again.remove(&at).unwrap_or(reply));
    }
    Ok(())
}

/// The requests of a database, with their values as the server says them.
fn asked(session: &mut Session, surface: &Surface<'_>, draft: &Draft<'_>) -> Result<Vec<Exchange>, postgres::Error> {
    let values: Vec<Option<String>> = match draft.question(surface) {
        Some(question) => session.query_one(&question, &[])?.try_get(0)?,
        None => Vec::new(),
    };
    Ok(draft.exchanges(surface, &values))
}
