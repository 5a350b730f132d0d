//! Webhooks: a request for each row that was written, queued by `pg_net` and sent after the transaction.
//!
//! A request that cannot be queued is a warning, never a failed write: what the user did stands on its own.

use super::plpgsql::{condition, differs, has_subquery};
use super::{Attach, Routine, trigger_function};
use crate::structure::Room;
use smol_str::SmolStr;
use specc_catalog::{Dependency, Kind, ObjectId};
use specc_model::{FieldIx, Model, RuleAction, Target, Webhook};
use specc_sql::quote::literal;
use specc_syntax::ast::WebhookTarget;

pub(super) fn lower(room: &mut Room) {
    if room.model.options.target == Target::Supabase {
        for webhook in &room.model.webhooks {
            lower_one(room, webhook);
        }
    }
}

fn lower_one(room: &mut Room, webhook: &Webhook) {
    let model = room.model;
    let entity = model.entity(webhook.entity);
    let span = webhook.meta.span;
    let body = body(model, webhook);
    let mut depends: Vec<_> = webhook.when.iter().flat_map(|e| room.lookup.of_expr(model, e)).collect();
    let needed = |name: &str| Dependency::new(ObjectId::new(Kind::Extension, "", name), "its body calls it");
    depends.push(needed("pg_net"));
    if body.contains("vault.") {
        depends.push(needed("supabase_vault"));
    }
    let comment = webhook
        .meta
        .doc
        .clone()
        .map_or_else(|| format!("Sends the webhook {} for {}.", webhook.name, entity.name.name), |doc| doc.to_string());
    let routine = Routine::new(body, comment).definer(true).needs(depends);
    let function = trigger_function(room, entity, &["webhook", &webhook.name], routine, span);
    for (action, columns) in &webhook.actions {
        let (event, row) = match action {
            RuleAction::Insert => ("insert", "new"),
            RuleAction::Update => ("update", "new"),
            RuleAction::Delete => ("delete", "old"),
            RuleAction::Select => continue,
        };
        let mut when: Vec<String> = Vec::new();
        if *action == RuleAction::Update && !columns.is_empty() {
            let any: Vec<_> = columns.iter().map(|f| differs(model, entity, *f)).collect();
            when.push(if any.len() > 1 { format!("({})", any.join(" or ")) } else { any.join("") });
        }
        let condition = webhook.when.as_ref().map(|e| condition(model, entity, row, e));
        when.extend(condition.filter(|c| !has_subquery(c)));
        let reads = columns_read(room, webhook, columns);
        Attach::after(event, &["webhook", &webhook.name, event])
            .when((!when.is_empty()).then(|| when.join(" and ")))
            .reading(reads)
            .to(room, entity, &function, span);
    }
}

/// The columns that a trigger's condition reads.
fn columns_read(room: &Room, webhook: &Webhook, columns: &[FieldIx]) -> Vec<SmolStr> {
    let entity = room.model.entity(webhook.entity);
    let mut names: Vec<_> = columns.iter().map(|f| entity.fields[*f].name.clone()).collect();
    if let Some(when) = &webhook.when {
        names.extend(crate::structure::tables::bare(room.model, entity.id, when).columns);
    }
    names
}

fn body(model: &Model, webhook: &Webhook) -> String {
    let entity = model.entity(webhook.entity);
    let secret = |name: &str| {
        format!("(select s.decrypted_secret from vault.decrypted_secrets s where s.name = {})", literal(name))
    };
    let mut headers = vec![("'content-type'".to_owned(), "'application/json'".to_owned())];
    let url = match &webhook.target {
        WebhookTarget::Url(url) => literal(&url.value),
        WebhookTarget::EdgeFunction(name) => {
            headers.push(("'authorization'".to_owned(), format!("'Bearer ' || {}", secret("service_role_key"))));
            format!("{} || {}", secret("project_url"), literal(&format!("/functions/v1/{}", name.value)))
        }
    };
    for (name, value, is_secret) in &webhook.headers {
        // One header has one value: what the author says replaces ours.
        let name = literal(&name.to_lowercase());
        headers.retain(|(other, _)| *other != name);
        headers.push((name, if *is_secret { secret(value) } else { literal(value) }));
    }
    let headers = headers.iter().map(|(name, value)| format!("{name}, {value}")).collect::<Vec<_>>();

    // A condition that reads other rows cannot stand in the trigger.
    let guard = webhook.when.as_ref().and_then(|when| {
        let new = condition(model, entity, "new", when);
        has_subquery(&new).then(|| {
            let old = condition(model, entity, "old", when);
            format!(
                "
  if tg_op = 'DELETE' then
    if ({old}) is not true then
      return null;
    end if;
  elsif ({new}) is not true then
    return null;
  end if;
"
            )
        })
    });
    // A row of a partition is one of its table.
    let (table, schema) = match entity.partition_by {
        Some(_) => (literal(&entity.name.name), literal(&entity.name.schema)),
        None => ("tg_table_name".into(), "tg_table_schema".into()),
    };
    format!(
        "
begin{guard}
  perform net.http_post(
    url := {url},
    body := jsonb_build_object(
      'type', tg_op,
      'table', {table},
      'schema', {schema},
      'record', case when tg_op <> 'DELETE' then to_jsonb(new) end,
      'old_record', case when tg_op <> 'INSERT' then to_jsonb(old) end
    ),
    headers := jsonb_build_object(
      {headers}
    ),
    timeout_milliseconds := {timeout}
  );
  return null;
exception
  when others then
    -- The write matters more than the message about it.
    raise warning 'webhook % on % was not sent: %', {name}, {table}, sqlerrm;
    return null;
end
",
        guard = guard.unwrap_or_default(),
        headers = headers.join(",\n      "),
        timeout = if webhook.timeout == 0 { 5000 } else { webhook.timeout },
        name = literal(&webhook.name),
    )
}
