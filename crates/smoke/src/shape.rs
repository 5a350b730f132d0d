//! The statements that an API of PostgREST's kind makes of requests: what is read or changed stands in a source, and one
//! query around it counts the rows and makes the answer of them. What each reads and writes, and so which rights and which
//! rules it asks, is that of the statements which PostgREST prepares; the words are ours.

use crate::request::{Page, Param, Prepared};
use smol_str::SmolStr;
use specc_catalog::DataType;
use specc_sql::{push_type, quote};

/// What a row is found by: a column, and the text that it equals.
pub(crate) type Filter = (SmolStr, String);

/// A column that gets a value from the body, and its type there.
pub(crate) type Written = (SmolStr, DataType);

/// Rows of another table that come with each row.
#[derive(Clone, Debug)]
pub struct Embed {
    /// What they are called in the answer.
    pub name: SmolStr,
    /// Where they are.
    pub schema: SmolStr,
    /// The table.
    pub table: SmolStr,
    /// Their columns that are asked for.
    pub select: Vec<SmolStr>,
    /// What is equal: the column here, and the one there.
    pub on: Vec<(SmolStr, SmolStr)>,
    /// Whether it is one row.
    pub is_one: bool,
}

/// How a table is called in the source.
pub(crate) struct Table<'a> {
    pub(crate) schema: &'a str,
    pub(crate) name: &'a str,
}

impl Table<'_> {
    fn quoted(&self) -> String {
        quote::qualified(self.schema, self.name)
    }

    fn column(&self, name: &str) -> String {
        format!("{}.{}", self.quoted(), quote::ident(name))
    }

    /// The columns that are asked for; all of them where none is named.
    fn list(&self, select: &[SmolStr]) -> String {
        if select.is_empty() {
            return format!("{}.*", self.quoted());
        }
        select.iter().map(|name| self.column(name)).collect::<Vec<_>>().join(", ")
    }

    fn filter(&self, prepared: &mut Prepared, found: &[Filter]) -> String {
        let mut parts = Vec::new();
        for (name, text) in found {
            let value = prepared.param(Param::Text(text.clone()));
            parts.push(format!("{} = {value}", self.column(name)));
        }
        if parts.is_empty() { String::new() } else { format!(" where {}", parts.join(" and ")) }
    }
}

/// A read.
pub(crate) fn read(
    table: &Table<'_>,
    select: &[SmolStr],
    found: &[Filter],
    embeds: &[Embed],
    page: Option<Page>,
) -> Prepared {
    let mut prepared = Prepared::default();
    let mut list = table.list(select);
    let mut joins = String::new();
    for (at, embed) in embeds.iter().enumerate() {
        let there = Table { schema: &embed.schema, name: &embed.table };
        // A table that refers to itself is there twice.
        let (alias, inner) = (format!("specc_with_{at}"), format!("specc_of_{at}"));
        let columns: Vec<String> = embed.select.iter().map(|name| format!("{inner}.{}", quote::ident(name))).collect();
        let on: Vec<String> = embed
            .on
            .iter()
            .map(|(here, far)| format!("{inner}.{} = {}", quote::ident(far), table.column(here)))
            .collect();
        let rows =
            format!("select {} from {} as {inner} where {}", columns.join(", "), there.quoted(), on.join(" and "));
        let (value, rows) = match embed.is_one {
            true => (format!("pg_catalog.row_to_json({alias}.*)::jsonb"), rows),
            false => (
                format!("coalesce({alias}.all_of, '[]')"),
                format!("select pg_catalog.json_agg(specc_one.*)::jsonb as all_of from ({rows}) specc_one"),
            ),
        };
        list.push_str(&format!(", {value} as {}", quote::ident(&embed.name)));
        joins.push_str(&format!(" left join lateral ({rows}) {alias} on true"));
    }
    let filter = table.filter(&mut prepared, found);
    let mut window = String::new();
    if let Some(page) = page {
        let limit = prepared.param(Param::Text(page.limit.to_string()));
        let offset = prepared.param(Param::Text(page.offset.to_string()));
        window = format!(" limit {limit} offset {offset}");
    }
    let source = format!("select {list} from {}{joins}{filter}{window}", table.quoted());
    let counted = page.is_some_and(|page| page.counted);
    let all = counted.then(|| format!("select 1 from {}{filter}", table.quoted()));
    prepared.sql = around(&source, all.as_deref());
    prepared
}

/// The rows of the body, one object or a list of them. A table may be called as anything else here.
fn rows_of(body: &str, columns: &[Written]) -> String {
    let names: Vec<_> = columns.iter().map(|(name, _)| quote::ident(name)).collect();
    let mut types = Vec::new();
    for (name, ty) in columns {
        let mut text = format!("{} ", quote::ident(name));
        push_type(&mut text, ty);
        types.push(text);
    }
    format!(
        "(select {body} as sent) specc_payload, \
         lateral (select case when pg_catalog.json_typeof(specc_payload.sent) = 'array' then specc_payload.sent \
         else pg_catalog.json_build_array(specc_payload.sent) end as list) specc_lists, \
         lateral (select {} from pg_catalog.json_to_recordset(specc_lists.list) as _ ({})) specc_body",
        names.join(", "),
        types.join(", ")
    )
}

fn of_body(columns: &[Written]) -> Vec<String> {
    columns.iter().map(|(name, _)| format!("specc_body.{}", quote::ident(name))).collect()
}

/// What a change gives back.
fn returning(table: &Table<'_>, back: Option<&[SmolStr]>) -> String {
    back.map_or_else(|| " returning 1".to_owned(), |select| format!(" returning {}", table.list(select)))
}

/// New rows; `back`: the columns that the client asks for, if it does. `unless`: the key of rows that are there already.
pub(crate) fn insert(
    table: &Table<'_>,
    columns: &[Written],
    body: &str,
    back: Option<&[SmolStr]>,
    unless: Option<&[SmolStr]>,
) -> Prepared {
    let mut prepared = Prepared::default();
    let rows = match columns {
        [] => " default values".to_owned(),
        _ => {
            let body = prepared.param(Param::Json(body.to_owned()));
            let names: Vec<_> = columns.iter().map(|(name, _)| quote::ident(name)).collect();
            format!("({}) select {} from {}", names.join(", "), of_body(columns).join(", "), rows_of(&body, columns))
        }
    };
    let conflict = unless.map(|key| {
        let key: Vec<_> = key.iter().map(|name| quote::ident(name)).collect();
        format!(" on conflict ({}) do nothing", key.join(", "))
    });
    let conflict = conflict.unwrap_or_default();
    let source = format!("insert into {}{rows}{conflict}{}", table.quoted(), returning(table, back));
    prepared.sql = around(&source, None);
    prepared
}

/// A change of rows.
pub(crate) fn update(
    table: &Table<'_>,
    columns: &[Written],
    body: &str,
    found: &[Filter],
    back: Option<&[SmolStr]>,
) -> Prepared {
    let mut prepared = Prepared::default();
    let body = prepared.param(Param::Json(body.to_owned()));
    let set: Vec<String> = columns
        .iter()
        .zip(of_body(columns))
        .map(|((name, _), value)| format!("{} = {value}", quote::ident(name)))
        .collect();
    let rows = rows_of(&body, columns);
    let filter = table.filter(&mut prepared, found);
    let source =
        format!("update {} set {} from {rows}{filter}{}", table.quoted(), set.join(", "), returning(table, back));
    prepared.sql = around(&source, None);
    prepared
}

/// A deletion of rows.
pub(crate) fn delete(table: &Table<'_>, found: &[Filter], back: Option<&[SmolStr]>) -> Prepared {
    let mut prepared = Prepared::default();
    let filter = table.filter(&mut prepared, found);
    let source = format!("delete from {}{filter}{}", table.quoted(), returning(table, back));
    prepared.sql = around(&source, None);
    prepared
}

/// A change of a column, or a deletion where none is named, of no row at all: rights alone decide.
pub(crate) fn of_none(table: &Table<'_>, column: Option<&str>) -> Prepared {
    let source = match column {
        Some(column) => format!("update {} set {} = null", table.quoted(), quote::ident(column)),
        None => format!("delete from {}", table.quoted()),
    };
    Prepared { sql: around(&format!("{source} where false returning 1"), None), params: Vec::new() }
}

/// A call with arguments by name, taken from the body.
pub(crate) fn call(function: &Table<'_>, arguments: &[Written], body: &str) -> Prepared {
    let mut prepared = Prepared::default();
    let source = match arguments {
        [] => format!("select called.* from {}() as called", function.quoted()),
        _ => {
            let body = prepared.param(Param::Json(body.to_owned()));
            let given: Vec<String> = arguments
                .iter()
                .map(|(name, _)| format!("{} := specc_body.{}", quote::ident(name), quote::ident(name)))
                .collect();
            let (rows, name) = (rows_of(&body, arguments), function.quoted());
            format!("select called.* from {rows}, lateral {name}({}) as called", given.join(", "))
        }
    };
    prepared.sql = around(&source, None);
    prepared
}

/// The query around, in which columns are called as the author has it, and none of them is a row: how many rows there are in all, how many come, and the answer made of them.
fn around(source: &str, all: Option<&str>) -> String {
    let (counted, total) = match all {
        Some(all) => (format!(", counted as ({all})"), "(select pg_catalog.count(*) from counted)"),
        None => (String::new(), "null::bigint"),
    };
    format!(
        "with source as ({source}){counted} select {total} as in_all, pg_catalog.count(page.*) as rows, \
         coalesce(pg_catalog.json_agg(page.*), '[]')::text as body, \
         nullif(pg_catalog.current_setting('response.status', true), '') as status from (select * from source) page"
    )
}
