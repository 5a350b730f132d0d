//! Triggers, views, functions, webhooks.

use super::text::*;
use super::{Printer, WIDTH};
use crate::ast::*;

impl Printer<'_> {
    pub(super) fn trigger(&mut self, t: &TriggerDecl) -> String {
        let constraint = if t.constraint { "constraint " } else { "" };
        let on = t.on.as_ref().map_or(String::new(), |e| format!(" on {}", qname(e)));
        let timing = match t.timing {
            TriggerTiming::Before => "before",
            TriggerTiming::After => "after",
            TriggerTiming::InsteadOf => "instead of",
        };
        let events: Vec<String> = t
            .events
            .iter()
            .map(|e| match e.columns.as_slice() {
                [] => e.event.text.to_string(),
                list => format!("{} of {}", e.event.text, names(list)),
            })
            .collect();
        let head = format!("{constraint}trigger {}{}{on} {timing} {}", name(&t.name), was(&t.was), events.join(" or "));
        let mut parts = Vec::new();
        let default_row = t.events.iter().all(|e| e.event.text != "truncate");
        if t.per_row != default_row {
            parts.push(format!("for each {}", if t.per_row { "row" } else { "statement" }));
        }
        if t.old_table.is_some() || t.new_table.is_some() {
            let old = t.old_table.as_ref().map_or(String::new(), |n| format!(" old table as {}", name(n)));
            let new = t.new_table.as_ref().map_or(String::new(), |n| format!(" new table as {}", name(n)));
            parts.push(format!("referencing{old}{new}"));
        }
        if t.initially_deferred {
            parts.push("initially deferred".to_owned());
        }
        parts.extend(t.enabled.as_ref().map(|how| match how.text.as_str() {
            "disabled" => "disabled".to_owned(),
            how => format!("enabled {how}"),
        }));
        if let Some(when) = &t.when {
            parts.push(format!("when {}", self.in_brackets(when)));
        }
        parts.push(match &t.action {
            TriggerAction::Execute { function, args } => {
                format!("execute {}({})", qname(function), join(args, |a| string(&a.value)))
            }
            TriggerAction::Body(text) => format!("as {}", body(text)),
        });
        self.wrapped(head, &parts, 2)
    }

    pub(super) fn view(&mut self, v: &ViewDecl) -> String {
        let materialized = if v.materialized { "materialized " } else { "" };
        let list = if v.columns.is_empty() { String::new() } else { format!(" {}", columns(&v.columns)) };
        let head = format!("{materialized}view {}{list}", qname(&v.name));
        let mut parts = Vec::new();
        parts.extend(v.security_definer.then(|| "security definer".to_owned()));
        parts.extend(v.security_barrier.then(|| "security barrier".to_owned()));
        parts.extend(v.check_option.as_ref().map(|scope| match scope.text.as_str() {
            "local" => "with local check option".to_owned(),
            _ => "with check option".to_owned(),
        }));
        parts.extend(v.no_data.then(|| "with no data".to_owned()));
        if !v.depends.is_empty() {
            parts.push(format!("depends on {}", qnames(&v.depends)));
        }
        parts.extend(v.refresh.as_ref().map(|cron| format!("refresh {}", string(&cron.value))));
        if !v.roles.is_empty() {
            parts.push(format!("to {}", names(&v.roles)));
        }
        parts.extend(v.was.as_ref().map(|old| format!("was {}", qname(old))));
        parts.push(format!("as {}", body(&v.body)));
        let text = self.wrapped(head, &parts, 2);
        if v.indexes.is_empty() {
            return text;
        }
        let block = self.block(|p, lines| {
            for index in &v.indexes {
                p.entry(lines, index_at(index), &index.doc, |p| p.index(index).into());
            }
        });
        format!("{text} {block}")
    }

    pub(super) fn function(&mut self, f: &FunctionDecl) -> String {
        let keyword = if f.procedure { "procedure" } else { "function" };
        let params: Vec<String> = f
            .params
            .iter()
            .map(|p| {
                let mode = p.mode.as_ref().map_or(String::new(), |m| format!("{} ", m.text));
                let default = p.default.as_ref().map_or(String::new(), |e| format!(" = {}", self.expr(e)));
                match p.name.text.as_str() {
                    "" => format!("{mode}{}{default}", type_ref(&p.ty)),
                    _ => format!("{mode}{}: {}{default}", name(&p.name), type_ref(&p.ty)),
                }
            })
            .collect();
        let returns = match &f.returns {
            None => String::new(),
            Some(Returns::Type(ty)) => format!("-> {}", type_ref_but(ty, &["setof", "table"])),
            Some(Returns::SetOf(ty)) => format!("-> setof {}", type_ref(ty)),
            Some(Returns::Table(list)) => {
                let list: Vec<String> = list.iter().map(|(n, ty)| format!("{}: {}", name(n), type_ref(ty))).collect();
                format!("-> table ({})", below(&list, list.iter().map(|p| p.len() + 2).sum::<usize>() > WIDTH - 11))
            }
        };
        let start = format!("{keyword} {}(", qname(&f.name));
        let one = format!("{start}{})", params.join(", "));
        let first = returns.lines().next().unwrap_or("");
        let wide = |text: &str| text.chars().count() > WIDTH;
        // with the result on its own line rather than each parameter
        let head = if returns.is_empty() {
            format!("{start}{})", below(&params, wide(&one)))
        } else if !wide(&format!("{one} {first}")) {
            format!("{one} {returns}")
        } else if !wide(&one) && !returns.contains('\n') {
            format!("{one}\n  {returns}")
        } else {
            format!("{start}{}) {returns}", below(&params, true))
        };
        let mut parts = Vec::new();
        parts.extend(f.language.as_ref().map(|l| format!("language {}", name(l))));
        parts.extend(f.volatility.as_ref().map(|v| v.text.to_string()));
        parts.extend(f.strict.then(|| "strict".to_owned()));
        parts.extend(f.parallel.as_ref().map(|p| format!("parallel {}", p.text)));
        parts.extend(f.leakproof.then(|| "leakproof".to_owned()));
        parts.extend(f.security_definer.then(|| "security definer".to_owned()));
        parts.extend(f.cost.as_ref().map(|n| format!("cost {n}")));
        parts.extend(f.rows.as_ref().map(|n| format!("rows {n}")));
        parts.extend(f.settings.iter().map(|s| format!("set {}", setting(s))));
        if !f.depends.is_empty() {
            parts.push(format!("depends on {}", qnames(&f.depends)));
        }
        if !f.roles.is_empty() {
            parts.push(format!("to {}", names(&f.roles)));
        }
        parts.extend(f.was.as_ref().map(|old| format!("was {}", qname(old))));
        parts.push(format!("as {}{}", if f.atomic { "atomic " } else { "" }, body(&f.body)));
        self.wrapped(head, &parts, 2)
    }

    pub(super) fn webhook(&mut self, w: &WebhookDecl) -> String {
        let when = w.when.as_ref().map_or(String::new(), |e| format!(" when {}", self.expr(e)));
        let head =
            format!("webhook {} on {} after {}{when}", name(&w.name), qname(&w.entity), join(&w.actions, action));
        let mut entries: Vec<(At, String)> = Vec::new();
        match &w.target {
            Some(WebhookTarget::Url(url)) => entries.push((url.at, format!("url {}", string(&url.value)))),
            Some(WebhookTarget::EdgeFunction(function)) => {
                entries.push((function.at, format!("edge function {}", string(&function.value))));
            }
            None => {}
        }
        for (header, value, secret) in &w.headers {
            let secret = if *secret { "secret " } else { "" };
            let text = format!("header {} {secret}{}", string(&header.value), string(&value.value));
            entries.push((At(header.at.0.to(value.at.0)), text));
        }
        entries.extend(w.timeout.map(|(timeout, at)| (at, format!("timeout {timeout}"))));
        // As they were written: comments stay with them.
        entries.sort_by_key(|(at, _)| at.0.start);
        let block = self.block(|p, lines| {
            for (at, text) in entries {
                p.entry(lines, at, &None, |_| text.into());
            }
        });
        format!("{head} {block}")
    }
}

/// The list in one line, or a line for each.
fn below(list: &[String], wide: bool) -> String {
    match (wide, list) {
        (true, [_, ..]) => format!("\n  {}\n", list.join(",\n  ")),
        _ => list.join(", "),
    }
}

/// An index of a view has no span of its own; its elements are near enough.
fn index_at(index: &IndexDecl) -> At {
    let first = index.elements.first().map_or(At::default(), |e| e.at);
    let last = index.filter.as_ref().map_or(index.elements.last().map_or(first, |e| e.at), |f| f.at);
    At(first.0.to(last.0))
}
