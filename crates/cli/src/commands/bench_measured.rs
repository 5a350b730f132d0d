//! `specc bench` without `--plan`: a private server is filled to the declared sizes, and the queries are timed.

use super::database::tell;
use crate::args::{Bench, Format};
use crate::pipeline::Compilation;
use crate::report::{self, FINDINGS, Failure, data, plural, say};
use serde_json::{Value, json};
use specc_diag::{Diagnostic, codes};
use specc_model::Target;
use specc_plans::measure::{Measured, Rate, as_json, measure};
use specc_seed::large;
use specc_size::Sizes;
use specc_verify::ScratchError;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// Fills a private server, runs the declared queries at a fixed rate, and reports which budgets they do not keep.
pub fn run(compilation: &Compilation, args: &Bench, format: Format) -> Result<ExitCode, Failure> {
    let (model, catalog) = (&compilation.model, &compilation.catalog);
    let broken = |error: ScratchError| Failure::broken(error.to_string());
    let scratch = super::scratch(args.postgres, model.options.target == Target::Supabase).map_err(broken)?;
    let database = scratch.made(catalog).map_err(broken)?;
    let start = Instant::now();
    let mut session = database.connect().map_err(super::database::broken)?;
    let tables = large::asked(model, catalog, args.env.as_deref(), Some(args.scale), &[]);
    let options = super::seed::filling(compilation, tables);
    let loaded = specc_runner::load(&mut session, catalog, &options, &tell).map_err(super::database::failure)?;
    // Pages say which of their rows everyone sees: an index alone answers from then on.
    session.batch_execute("vacuum analyze").map_err(|error| super::database::broken(error.into()))?;
    let rows: u64 = loaded.iter().map(|one| one.before + one.added).sum();
    let filled = start.elapsed();
    eprintln!("filled: {rows} rows in {}, {:.1} s", plural(loaded.len(), "table"), filled.as_secs_f64());
    let sizes = Sizes::of(model, catalog, args.env.as_deref());
    let rate = Rate {
        per_second: args.rate,
        time: Duration::from_secs_f64(args.seconds),
        clients: usize::from(args.clients.max(1)),
    };
    let measured = measure(&database, model, &sizes, &rate).map_err(broken)?;
    let findings: Vec<Diagnostic> = measured.iter().flat_map(found).collect();
    // Times over fewer rows than there will be say nothing.
    let short: Vec<String> =
        loaded.iter().filter_map(|one| Some(format!("{}: {}", one.table, one.why.as_ref()?))).collect();
    let kept = findings.is_empty() && short.is_empty();
    match format {
        Format::Json => {
            let queries: Vec<Value> = measured.iter().map(as_json).collect();
            let diagnostics: Vec<Value> =
                findings.iter().map(|finding| specc_diag::render_json(finding, &compilation.sources)).collect();
            data(&json!({
                "postgres": scratch.major(), "scale": args.scale, "rate": args.rate, "seconds": args.seconds, "rows": rows,
                "filled_seconds": filled.as_secs_f64(), "tables": loaded, "queries": queries, "diagnostics": diagnostics,
            }).to_string());
        }
        Format::Text => {
            say(
                "query                            role             requests   first ms     p50     p95     p99  pages  budget",
            );
            measured.iter().for_each(|one| say(&line(one)));
            report::diagnostics(&findings, &[], &compilation.sources, format);
        }
    }
    let requests: usize = measured.iter().map(|one| one.times.len()).sum();
    eprintln!(
        "{}: {} at {} requests a second on Postgres {}, {requests} requests",
        if kept { "kept" } else { "missed" },
        plural(measured.len(), "query"),
        args.rate,
        scratch.major(),
    );
    for one in &short {
        eprintln!("  not filled as the sizes say: {one}");
    }
    Ok(if kept { ExitCode::SUCCESS } else { ExitCode::from(FINDINGS) })
}

fn line(one: &Measured<'_>) -> String {
    let ms =
        |time: Option<Duration>| time.map_or_else(|| "-".to_owned(), |time| format!("{:.1}", time.as_secs_f64() * 1e3));
    let budget = one
        .query
        .within
        .map_or_else(String::new, |within| format!("{} ms p{}", within.milliseconds, within.percentile));
    format!(
        "{:<32} {:<16} {:>8} {:>10} {:>7} {:>7} {:>7} {:>6}  {budget}",
        one.query.name,
        one.query.role,
        one.times.len(),
        ms(Some(one.first)),
        ms(one.percentile(50)),
        ms(one.percentile(95)),
        ms(one.percentile(99)),
        one.buffers
    )
}

/// What of a query is not as it promises.
fn found(one: &Measured<'_>) -> Vec<Diagnostic> {
    let (name, span) = (&one.query.name, one.query.meta.span);
    if let Some(why) = &one.refused {
        let message = format!("Postgres does not answer `{name}` for `{}`: {why}", one.query.role);
        let help = "open to the role what it reads, or name the role that asks";
        return vec![Diagnostic::new(codes::QUERY_REFUSED, span, message).help(help)];
    }
    let help = "`specc bench --plan` shows its plan; an index may be missing, or the budget is not what can be kept";
    let miss = |words: String| Diagnostic::new(codes::SLOW_QUERY, span, format!("`{name}`: {words}")).help(help);
    one.misses().into_iter().map(miss).collect()
}
