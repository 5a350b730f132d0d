//! What the platform and extensions keep as rows: storage buckets and `pg_cron` jobs. And extensions themselves.

use crate::Error;
use crate::blocks::Block;
use crate::reader::{CatalogReader, class, maybe, name};
use smol_str::{SmolStr, format_smolstr};
use specc_catalog::{Bucket, Dependency, Entry, Extension, Job, Kind, ObjectId};
use specc_sql::quote;

const EXTENSIONS: &str = "select e.oid, e.extname::text, n.nspname::text, e.extowner from pg_extension e \
    join pg_namespace n on n.oid = e.extnamespace where e.oid >= 16384";

const ROWS: &str = "select coalesce(has_schema_privilege(n.oid, 'usage') and has_table_privilege(c.oid, 'select'), false), \
      (select count(*) from pg_attribute a where a.attrelid = c.oid and a.attname in ('file_size_limit', 'allowed_mime_types')) = 2 \
    from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = $1 and c.relname = $2 and c.relkind = 'r'";

const BUCKETS: &str = "select id, public, file_size_limit, allowed_mime_types, name from storage.buckets order by id";

const JOBS: &str = "select jobname::text, schedule, command, active from cron.job \
    where database = current_database() order by jobname, schedule, command";

pub(crate) fn read(reader: &mut CatalogReader<'_>) -> Result<(), Error> {
    for row in reader.query(EXTENSIONS, &[])? {
        let (oid, schema) = (row.get(0), name(&row, 2));
        let schema = if matches!(schema.as_str(), "public" | "pg_catalog") { SmolStr::default() } else { schema };
        let theirs = reader.owners.platform.contains(&reader.role_name(row.get(3)));
        let mut entry = Entry::new(Extension { name: name(&row, 1), schema, version: None });
        // Every extension brings a comment of its own.
        entry.comment = None;
        let slot = reader.push(entry);
        reader.found.insert((class::EXTENSION, oid), slot);
        if theirs {
            reader.doubtful.push(slot);
        }
    }
    if readable(reader, "storage", "buckets", true)? {
        for row in reader.query(BUCKETS, &[])? {
            let bucket = Bucket {
                id: name(&row, 0),
                public: row.get::<_, Option<bool>>(1).unwrap_or_default(),
                size_limit: row.get::<_, Option<i64>>(2).map(i64::unsigned_abs),
                mime_types: row
                    .get::<_, Option<Vec<&str>>>(3)
                    .unwrap_or_default()
                    .into_iter()
                    .map(Into::into)
                    .collect(),
            };
            let (id, shown) = (bucket.id.clone(), name(&row, 4));
            reader.push(Entry::new(bucket));
            if shown != id {
                let mut block = Block::new(format_smolstr!("name of bucket {id}"));
                let set = |to| format!("update storage.buckets set name = {to} where id = {}", quote::literal(&id));
                block.up(set(quote::literal(&shown))).down(set("id".to_owned()));
                block.needs(ObjectId::new(Kind::Bucket, "", id), "it is said of this bucket").add(reader);
            }
        }
    }
    if readable(reader, "cron", "job", false)? {
        for row in reader.query(JOBS, &[])? {
            let cron = ObjectId::new(Kind::Extension, "", "pg_cron");
            let (schedule, command) = (name(&row, 1), row.get::<_, &str>(2).trim());
            let Some(job) = maybe(&row, 0) else {
                nameless(reader, &schedule, command, row.get(3), cron);
                continue;
            };
            let mut entry = Entry::new(Job { name: job.clone(), schedule, command: command.into() });
            entry.depends.push(Dependency::new(cron, "it runs the job"));
            reader.push(entry);
            if !row.get::<_, bool>(3) {
                let mut block = Block::new(format_smolstr!("rest of job {job}"));
                let set = |active| {
                    let name = quote::literal(&job);
                    format!("select cron.alter_job(jobid, active => {active}) from cron.job where jobname = {name}")
                };
                block.up(set(false)).down(set(true));
                block.needs(ObjectId::new(Kind::Job, "", job), "it is said of this job").add(reader);
            }
        }
    }
    Ok(())
}

/// A job without a name is told apart by what it does.
fn nameless(reader: &mut CatalogReader<'_>, schedule: &str, command: &str, active: bool, cron: ObjectId) {
    let mut block = Block::new(format_smolstr!("job without a name {schedule}"));
    let (schedule, command) = (quote::literal(schedule), quote::literal(command));
    let same = format!("from cron.job where jobname is null and schedule = {schedule} and trim(command) = {command}");
    block.up(format!("select cron.schedule({schedule}, {command})"));
    if !active {
        block.up(format!("select cron.alter_job(jobid, active => false) {same}"));
    }
    block.down(format!("select cron.unschedule(jobid) {same}"));
    block.needs(cron, "it runs the job").add(reader);
}

/// Whether a table is there and may be read, and has the columns that it has on the platform.
fn readable(reader: &mut CatalogReader<'_>, schema: &str, table: &str, columns: bool) -> Result<bool, Error> {
    let rows = reader.query(ROWS, &[&schema, &table])?;
    let Some(row) = rows.first() else { return Ok(false) };
    let (allowed, complete): (bool, bool) = (row.get(0), row.get(1));
    if !allowed {
        reader.leave_out(format!("the rows of {schema}.{table}"), "this role may not read them");
    }
    Ok(allowed && (complete || !columns))
}
