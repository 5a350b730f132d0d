//! Positions that only the platform has: buckets, schedules, webhooks, realtime.

use crate::injection::alphabet::{exact, plain};
use crate::injection::spec::Spec;

/// Files, jobs, and requests.
pub fn services(s: &mut Spec) {
    let (b, t, c, job, hook, rule) = (s.bucket(), s.qualified(), s.name(), s.name(), s.name(), s.name());
    let (v, mime, header, of_header) = (s.value(), s.unescaped(), s.line(), s.unescaped());
    // What cannot be a type, a header or an address is refused, and more would be than can be learned from.
    let (mime, header) =
        if s.dice.once_in(20) { (format!("a/{mime}"), format!("x{header}")) } else { ("a/b".into(), "x-h".into()) };
    let more: String = s.value().chars().filter(|c| c.is_ascii_graphic() && !"\"<>\\^`{|}".contains(*c)).collect();
    let url = format!("https://example.com/{more}");
    let (lit, inner, at, when) = (s.lit(&v), s.lit(&v), s.lit(&v), s.lit(&v));
    let command = format!(" update {} set {} = {inner} ", t.sql, c.sql);
    let body = s.body(&command);
    s.say(&format!(
        "bucket {} {{
  public
  size 5 MB
  mime 'image/png', {}
  policy {{
    {}: allow select to authenticated when name = {lit}
  }}
}}
entity {} {{
  id: int key identity
  {}: text
  rls off
}}
schedule {} '0 2 * * *' as {body}
webhook {} on {} after insert when {} = {when} {{
  url {}
  header {} {}
  timeout 3000
}}
realtime {{
  {} where {} <> {at}
}}",
        b.spec,
        plain(&mime),
        rule.spec,
        t.spec,
        c.spec,
        job.spec,
        hook.spec,
        t.spec,
        c.sql,
        plain(&url),
        plain(&header),
        plain(&of_header),
        t.spec,
        c.sql
    ));
    s.do_first(&format!("insert into {} ({}) values ({}), ({})", t.sql, c.sql, exact(&v), exact(&format!("{v}x"))));
    s.counts("a bucket", &format!("storage.buckets where id = {} and name = id", exact(&b.raw)), 1);
    s.fact(
        "a bucket's types",
        format!("select allowed_mime_types[2] from storage.buckets where id = {}", exact(&b.raw)),
        &mime,
    );
    s.counts(
        "a job",
        &format!("cron.job where jobname = {} and trim(command) = {}", exact(&job.raw), exact(command.trim())),
        1,
    );
    s.counts("a request", "net.http_request_queue", 1);
    s.fact("a request's address", "select url from net.http_request_queue", &url);
    s.fact(
        "a request's header",
        format!("select headers ->> {} from net.http_request_queue", exact(&header.to_lowercase())),
        &of_header,
    );
    s.counts("what is published", &format!("pg_publication_rel where prrelid = {}::regclass", exact(&t.sql)), 1);
}
