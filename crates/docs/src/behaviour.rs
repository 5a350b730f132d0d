//! What a table does by itself, in words.

use crate::book::Book;
use crate::claims::{self, Says};
use crate::text;
use smol_str::SmolStr;
use specc_model::{
    Element, Entity, Limit, Maintained, MaintainedFunction, On, RuleAction, Trigger, TriggerAction, Webhook,
};
use specc_syntax::ast::{TriggerTiming, WebhookTarget};

/// A sentence for each thing.
pub fn sentences(book: &Book<'_>, entity: &Entity) -> Vec<String> {
    let mut out = Vec::new();
    for claim in claims::of_entity(book, entity) {
        match &claim.says {
            Says::Counted { column } => {
                let field = entity.fields.iter().find(|field| field.name == *column);
                if let Some(maintained) = field.and_then(|field| field.maintained.as_deref()) {
                    out.push(format!("{} is {}.", text::code(column), kept(book, maintained)));
                }
            }
            Says::Immutable { .. } | Says::DeleteHides | Says::HidesDeleted => {}
            _ => continue,
        }
        out.push(format!("{}.", claim.words()));
    }
    out.extend(limits(book, entity));
    out.extend(entity.triggers.iter().map(|trigger| triggered(book, trigger)));
    for n in book.webhooks.get(&entity.id).into_iter().flatten() {
        out.push(called(book, entity, &book.model.webhooks[*n]));
    }
    for n in book.realtime.get(&entity.id).into_iter().flatten() {
        let table = &book.model.realtime[*n];
        let columns = if table.columns.is_empty() {
            "Its changes".to_owned()
        } else {
            format!("Changes of {}", book.columns(entity, &table.columns))
        };
        let filter = table.filter.as_ref().map(|f| format!(", for rows where {}", text::code(&f.text)));
        out.push(format!("{columns} are published in realtime{}.", filter.unwrap_or_default()));
    }
    out
}

/// How many rows there may be.
pub fn limits(book: &Book<'_>, entity: &Entity) -> Vec<String> {
    entity.limits.iter().map(|limit| limited(book, entity, limit)).collect()
}

fn kept(book: &Book<'_>, maintained: &Maintained) -> String {
    let relation = book.model.relation(maintained.relation);
    let counted = book.model.entity(relation.from);
    let link = book.link(relation.from, "here");
    let filter = maintained.filter.as_ref().map(|f| format!(" where {}", text::code(&f.text))).unwrap_or_default();
    let via = book.columns(counted, &relation.fields);
    match (maintained.function, maintained.field) {
        (MaintainedFunction::Sum, Some(field)) => {
            format!(
                "the sum of {} over the {link} rows that refer here by {via}{filter}",
                text::code(&counted.fields[field].name)
            )
        }
        _ => format!("the number of {link} rows that refer here by {via}{filter}"),
    }
}

fn limited(book: &Book<'_>, entity: &Entity, limit: &Limit) -> String {
    let per =
        if limit.per.is_empty() { String::new() } else { format!(" for each {}", book.columns(entity, &limit.per)) };
    let mut out = format!(
        "**{}**: at most {} rows with {}{per}",
        text::plain(&limit.name),
        text::code(&limit.to.text),
        text::code(&limit.condition.text),
    );
    if limit.overflow.is_empty() {
        out.push_str("; one more is refused");
    } else {
        let values: Vec<String> = limit
            .overflow
            .iter()
            .map(|(field, value)| text::code(&format!("{} = {}", entity.fields[*field].name, value.text)))
            .collect();
        out.push_str(&format!("; one more gets {}", text::and(&values)));
        if !limit.promote_by.is_empty() {
            let order = elements(entity, &limit.promote_by);
            out.push_str(&format!(", and when a place becomes free the first of those by {order} takes it"));
        }
    }
    out.push('.');
    if let Some(doc) = &limit.doc {
        out.push(' ');
        out.push_str(&text::sentence(doc));
    }
    out
}

fn triggered(book: &Book<'_>, trigger: &Trigger) -> String {
    let timing = match trigger.timing {
        TriggerTiming::Before => "before",
        TriggerTiming::After => "after",
        TriggerTiming::InsteadOf => "instead of",
    };
    let events: Vec<String> = trigger
        .events
        .iter()
        .map(|(event, columns)| match columns.is_empty() {
            true => event.to_string(),
            false => format!("{event} of {}", columns.iter().map(|c| text::code(c)).collect::<Vec<_>>().join(", ")),
        })
        .collect();
    let each = if trigger.per_row { "each row" } else { "each statement" };
    let when = trigger.when.as_ref().map(|w| format!(" when {}", text::code(&w.text))).unwrap_or_default();
    let action = match &trigger.action {
        TriggerAction::Execute { function, args } => {
            let args: Vec<String> = args.iter().map(|arg| format!("'{arg}'")).collect();
            format!("{} runs", text::code(&format!("{}({})", text::short(book.model, function), args.join(", "))))
        }
        TriggerAction::Body(_) => "a block of its own runs".to_owned(),
    };
    let doc = trigger.meta.doc.as_deref().map(|doc| format!(" {}", text::sentence(doc))).unwrap_or_default();
    format!(
        "**{}**: {timing} {} of {each}{when}, {action}.{doc}",
        text::plain(&trigger.name),
        text::join(&events, "or")
    )
}

fn called(book: &Book<'_>, entity: &Entity, webhook: &Webhook) -> String {
    let actions: Vec<String> = webhook
        .actions
        .iter()
        .map(|(action, columns)| {
            let word = match action {
                RuleAction::Select => "read",
                RuleAction::Insert => "insert",
                RuleAction::Update => "update",
                RuleAction::Delete => "delete",
            };
            if columns.is_empty() { word.to_owned() } else { format!("{word} of {}", book.columns(entity, columns)) }
        })
        .collect();
    let when = webhook.when.as_ref().map(|w| format!(" when {}", text::code(&w.text))).unwrap_or_default();
    let target = match &webhook.target {
        WebhookTarget::Url(url) => text::code(&url.value),
        WebhookTarget::EdgeFunction(name) => format!("the edge function {}", text::code(&name.value)),
    };
    format!("**{}**: after {}{when}, {target} is called.", text::plain(&webhook.name), text::join(&actions, "or"))
}

/// Elements of an index, as code.
pub fn elements(entity: &Entity, elements: &[Element]) -> String {
    let one = |element: &Element| {
        let mut out: SmolStr = match &element.on {
            On::Field(field) => entity.fields[*field].name.clone(),
            On::Expr(expr) => expr.text.clone(),
        };
        if element.desc {
            out = format!("{out} desc").into();
        }
        text::code(&out)
    };
    elements.iter().map(one).collect::<Vec<_>>().join(", ")
}
