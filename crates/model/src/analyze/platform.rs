//! Buckets, realtime, schedules and webhooks.

use super::collect::Decls;
use super::exprs::Exprs;
use super::fields::unknown_field;
use super::project::{Project, Seen};
use crate::scope::Scope;
use crate::types::*;
use crate::typing::{Expect, Place};
use smol_str::SmolStr;
use specc_diag::{Diagnostic, Span, codes};
use specc_syntax::ast;

/// Platform constructs on a plain server.
pub(crate) fn check_target(project: &Project<'_>, decls: &Decls<'_>, out: &mut Vec<Diagnostic>) {
    if project.options.target == Target::Supabase {
        return;
    }
    let mut wrong = |what: &str, span: Span, help: &str| {
        let message = format!("{what} on a plain Postgres");
        out.push(Diagnostic::new(codes::WRONG_TARGET, span, message).help(help));
    };
    let target = "set `target = \"supabase\"` in `specc.toml`, or remove it";
    for (_, d) in &decls.buckets {
        wrong(&format!("bucket `{}`", d.name.text), d.name.at.0, target);
    }
    for (item, _) in &decls.realtime {
        wrong("realtime", item.at.0.slice(0, "realtime".len()), target);
    }
    for (_, d) in &decls.schedules {
        if !project.extensions.contains_key("pg_cron") {
            wrong(&format!("schedule `{}`", d.name.text), d.name.at.0, "declare `extension pg_cron`, or remove it");
        }
    }
    for (_, d) in &decls.webhooks {
        if !project.extensions.contains_key("pg_net") {
            wrong(&format!("webhook `{}`", d.name.text), d.name.at.0, "declare `extension pg_net`, or remove it");
        }
    }
}

/// A bucket; its rules are over `storage.objects`.
pub(crate) fn bucket(
    project: &Project<'_>,
    exprs: &Exprs<'_>,
    doc: &ast::Doc,
    d: &ast::BucketDecl,
    out: &mut Vec<Diagnostic>,
) -> Bucket {
    let mut bad = |span: Span, message: String, help: &str| {
        out.push(Diagnostic::new(codes::BAD_BUCKET, span, message).help(help));
    };
    let fits = |c: char| c.is_ascii_alphanumeric() || " _-.!*'()&$@=;:+,?/".contains(c);
    if !d.name.text.chars().all(fits) || d.name.text.len() > 100 || d.name.text.trim() != d.name.text {
        bad(d.name.at.0, format!("`{}` cannot be a bucket's name", d.name.text), "use letters, digits, `-` and `_`");
    }
    let size = d.size.as_ref().and_then(|(number, unit)| {
        let factor: u64 = match unit.text.to_uppercase().as_str() {
            "KB" => 1 << 10,
            "MB" => 1 << 20,
            "GB" => 1 << 30,
            _ => 1,
        };
        let bytes = number.checked_mul(factor);
        let most = 500u64 << 30;
        match bytes {
            Some(0) => bad(unit.at.0, "a limit of zero lets no file in".to_owned(), "leave out `size`, or allow more"),
            Some(bytes) if bytes <= most => {}
            _ => {
                bad(unit.at.0, format!("{number} {} is more than the platform stores", unit.text), "use at most 500 GB")
            }
        }
        bytes
    });
    let mut seen: Seen<SmolStr> = Seen::new();
    for mime in &d.mime {
        let word =
            |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || "!#$&^_.+-".contains(c));
        let fits = mime.value.split_once('/').is_some_and(|(kind, sub)| word(kind) && (sub == "*" || word(sub)));
        if !fits {
            let message = format!("`{}` is not a MIME type", mime.value);
            bad(mime.at.0, message, "write one such as `'image/png'` or `'image/*'`");
        }
    }
    for mime in &d.mime {
        let message = || (format!("`{}` is listed twice", mime.value), "remove one of the two".to_owned());
        seen.add(mime.value.clone(), mime.at.0, codes::BAD_BUCKET, message, out);
    }
    let objects = Qualified { schema: "storage".into(), name: "objects".into() };
    let objects = exprs.model.index.entities.get(&objects).copied();
    let rules = match objects {
        Some(objects) => d.rules.iter().filter_map(|r| super::access::rule(project, exprs, objects, r, out)).collect(),
        None => Vec::new(),
    };
    Bucket {
        meta: project.meta(doc, &d.name, None),
        name: d.name.text.clone(),
        public: d.public.is_some(),
        size,
        mime: d.mime.iter().map(|m| m.value.clone()).collect(),
        rules,
    }
}

/// Tables of the realtime publication.
pub(crate) fn realtime(
    project: &Project<'_>,
    exprs: &Exprs<'_>,
    d: &ast::RealtimeDecl,
    seen: &mut Seen<EntityId>,
    out: &mut Vec<Diagnostic>,
) -> Vec<RealtimeTable> {
    let model = exprs.model;
    let mut list = Vec::new();
    for table in &d.tables {
        let Some(id) = project.entity(&table.entity, out) else { continue };
        let entity = model.entity(id);
        let message = || {
            let message = format!("`{}` is in the publication twice", entity.name.name);
            (message, "remove one of the two".to_owned())
        };
        if !seen.add(id, table.entity.span(), codes::DUPLICATE_NAME, message, out) {
            continue;
        }
        let mut columns = Vec::new();
        for column in &table.columns {
            match model.field(id, &column.text) {
                Some(at) => columns.push(at),
                None => out.push(unknown_field(entity, &column.text, column.at.0)),
            }
        }
        let mut bad = |message: String, help: String| {
            out.push(Diagnostic::new(codes::BAD_REALTIME, table.entity.span(), message).help(help));
        };
        match &entity.key {
            None => bad(
                format!("`{}` has no key, so changes cannot be told apart", entity.name.name),
                "give it one: `id: uuid = gen_random_uuid() key`".to_owned(),
            ),
            Some(key) => {
                let missing: Vec<&str> = key
                    .fields
                    .iter()
                    .filter(|f| !columns.is_empty() && !columns.contains(f))
                    .map(|f| entity.fields[*f].name.as_str())
                    .collect();
                if !missing.is_empty() && columns.len() == table.columns.len() {
                    bad(
                        format!("the key of `{}` is not among the columns", entity.name.name),
                        format!("add {}", super::fields::list(&missing)),
                    );
                }
            }
        }
        if entity.unlogged {
            bad(
                format!("`{}` is unlogged, and realtime reads the log", entity.name.name),
                "remove `unlogged`".to_owned(),
            );
        }
        let filter =
            table.filter.as_ref().and_then(|raw| exprs.get(raw, &Scope::of(id), Expect::condition(Place::Filter), out));
        list.push(RealtimeTable { entity: id, columns, filter, span: table.at.0 });
    }
    list
}

/// A schedule.
pub(crate) fn schedule(
    project: &Project<'_>,
    model: &Model,
    doc: &ast::Doc,
    d: &ast::ScheduleDecl,
    out: &mut Vec<Diagnostic>,
) -> Schedule {
    check_cron(&d.cron, out);
    let depends = match refreshed(project, &d.body.text) {
        Some(view) => vec![view],
        None => super::bodies::statements(project, model, &d.body, out),
    };
    Schedule {
        meta: project.meta(doc, &d.name, None),
        name: d.name.text.clone(),
        cron: d.cron.value.clone(),
        command: d.body.text.clone(),
        depends,
    }
}

/// The view of `refresh materialized view [concurrently] v`, a statement that sqlparser does not know.
fn refreshed(project: &Project<'_>, text: &str) -> Option<Object> {
    let words = specc_expr::words(text);
    let words: Vec<&str> = words.iter().map(SmolStr::as_str).collect();
    let rest = words.strip_prefix(&["refresh", "materialized", "view"])?;
    let rest = rest.strip_prefix(&["concurrently"]).unwrap_or(rest);
    let name = match rest {
        [name] => Qualified { schema: project.options.default_schema.clone(), name: (*name).into() },
        [schema, name] => Qualified { schema: (*schema).into(), name: (*name).into() },
        _ => return None,
    };
    project.relations.get(&name).filter(|found| matches!(found, Object::View(_))).cloned()
}

const MONTHS: &[&str] = &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const DAYS: &[&str] = &["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/// Reports what pg_cron would refuse.
pub(crate) fn check_cron(cron: &ast::StrLit, out: &mut Vec<Diagnostic>) {
    if let Err((message, part)) = cron_problem(&cron.value) {
        let at = part.and_then(|part| cron.value.find(part).map(|at| (at + 1, at + 1 + part.len())));
        let span = at.map_or(cron.at.0, |(start, end)| cron.at.0.slice(start, end));
        let help = "five fields: minute, hour, day of month, month, day of week, such as `'0 2 * * *'`; \
                    or `'30 seconds'`";
        out.push(Diagnostic::new(codes::BAD_SCHEDULE, span, message).help(help));
    }
}

fn cron_problem(text: &str) -> Result<(), (String, Option<&str>)> {
    let trimmed = text.trim();
    if trimmed.starts_with('@') {
        let known = ["@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly", "@reboot"];
        return if known.contains(&trimmed) { Ok(()) } else { Err((format!("unknown schedule `{trimmed}`"), None)) };
    }
    if let Some(count) = trimmed.strip_suffix("seconds").or_else(|| trimmed.strip_suffix("second")) {
        return match count.trim().parse::<u32>() {
            Ok(1..=59) => Ok(()),
            _ => Err((format!("`{trimmed}` is not between 1 and 59 seconds"), None)),
        };
    }
    let fields: Vec<&str> = trimmed.split_whitespace().collect();
    if fields.len() != 5 {
        return Err((format!("a cron schedule has five fields, and `{trimmed}` has {}", fields.len()), None));
    }
    let ranges = [("minute", 0, 59), ("hour", 0, 23), ("day of month", 1, 31), ("month", 1, 12), ("day of week", 0, 7)];
    for (at, (field, (what, low, high))) in fields.into_iter().zip(ranges).enumerate() {
        if at == 2 && field == "$" {
            continue; // the last day of the month
        }
        let names: &[&str] = match at {
            3 => MONTHS,
            4 => DAYS,
            _ => &[],
        };
        for part in field.split(',') {
            if !cron_part(part, names, low, high) {
                return Err((format!("`{part}` is not a {what} ({low} to {high})"), Some(field)));
            }
        }
    }
    Ok(())
}

/// `*`, `*/5`, `3`, `1-5`, `1-5/2`, `mon`, `mon-fri`.
fn cron_part(part: &str, names: &[&str], low: u32, high: u32) -> bool {
    let (range, step) = part.split_once('/').map_or((part, None), |(range, step)| (range, Some(step)));
    if step.is_some_and(|s| !s.parse::<u32>().is_ok_and(|n| n > 0)) {
        return false;
    }
    let number = |text: &str| -> Option<u32> {
        let named = names.iter().position(|n| text.eq_ignore_ascii_case(n)).map(|at| at as u32 + low);
        named.or_else(|| text.parse().ok()).filter(|n| (low..=high).contains(n))
    };
    match range.split_once('-') {
        _ if range == "*" => true,
        Some((from, to)) => number(from).zip(number(to)).is_some_and(|(from, to)| from <= to),
        None => number(range).is_some() && step.is_none(),
    }
}

/// A webhook.
pub(crate) fn webhook(
    project: &Project<'_>,
    exprs: &Exprs<'_>,
    doc: &ast::Doc,
    d: &ast::WebhookDecl,
    out: &mut Vec<Diagnostic>,
) -> Option<Webhook> {
    let entity = project.entity(&d.entity, out)?;
    for action in &d.actions {
        if !matches!(&*action.action.text, "insert" | "update" | "delete") {
            let message = format!("a webhook cannot follow `{}`", action.action.text);
            let help = "it follows `insert`, `update` and `delete`";
            out.push(Diagnostic::new(codes::BAD_WEBHOOK, action.action.at.0, message).help(help));
        } else if let (Some(first), false) = (action.columns.first(), action.action.text == "update") {
            let message = format!("only an update has columns, not `{}`", action.action.text);
            out.push(Diagnostic::new(codes::BAD_WEBHOOK, first.at.0, message).help("remove the columns"));
        }
    }
    let written: Vec<_> =
        d.actions.iter().filter(|a| matches!(&*a.action.text, "insert" | "update" | "delete")).cloned().collect();
    let mut nothing = Vec::new();
    let (actions, _) = super::access::actions(exprs.model, entity, &written, &mut nothing);
    out.extend(nothing.into_iter().filter(|f| f.code == codes::UNKNOWN_FIELD));
    let when = match &d.when {
        Some(raw) => Some(exprs.get(raw, &Scope::of(entity), Expect::condition(Place::TriggerWhen), out)?),
        None => None,
    };
    let bad = |span: Span, message: String, help: &str| Diagnostic::new(codes::BAD_WEBHOOK, span, message).help(help);
    match &d.target {
        None => {
            let message = format!("webhook `{}` does not say where it goes", d.name.text);
            out.push(bad(d.name.at.0, message, "write `url 'https://…'` or `edge function 'name'`"));
        }
        Some(ast::WebhookTarget::Url(url)) => {
            let rest = url.value.strip_prefix("https://").or_else(|| url.value.strip_prefix("http://"));
            if rest.is_none_or(|r| r.is_empty() || r.starts_with('/')) || url.value.contains(char::is_whitespace) {
                out.push(bad(
                    url.at.0,
                    format!("`{}` is not a URL", url.value),
                    "write one that starts with `https://`",
                ));
            }
        }
        Some(ast::WebhookTarget::EdgeFunction(name)) => {
            let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
            if name.value.is_empty() || !name.value.chars().all(fits) {
                let message = format!("`{}` cannot be the name of an edge function", name.value);
                out.push(bad(name.at.0, message, "use letters, digits, `-` and `_`, such as `'notify-applicant'`"));
            }
        }
    }
    let mut seen: Seen<String> = Seen::new();
    for (name, _, _) in &d.headers {
        let fits = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
        if name.value.is_empty() || !name.value.chars().all(fits) {
            out.push(bad(
                name.at.0,
                format!("`{}` is not a header name", name.value),
                "write one such as `'x-source'`",
            ));
        }
        let message = || (format!("header `{}` is set twice", name.value), "remove one of the two".to_owned());
        seen.add(name.value.to_lowercase(), name.at.0, codes::BAD_WEBHOOK, message, out);
    }
    let (timeout, at) = d.timeout.unwrap_or((5000, d.name.at));
    if !(1..=60_000).contains(&timeout) {
        let message = format!("a timeout of {timeout} ms is not between 1 and 60000");
        out.push(bad(at.0, message, "leave it out for 5000 ms"));
    }
    Some(Webhook {
        meta: project.meta(doc, &d.name, None),
        name: d.name.text.clone(),
        entity,
        actions,
        when,
        target: d.target.clone()?,
        headers: d.headers.iter().map(|(n, v, secret)| (n.value.clone(), v.value.clone(), *secret)).collect(),
        timeout,
    })
}
