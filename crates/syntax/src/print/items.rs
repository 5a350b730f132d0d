//! Items: schemas, types, entities, mixins, seeds, SQL.

use super::text::*;
use super::{Align, Cells, Printer, SHORT, WIDTH};
use crate::ast::*;

/// Short items of one kind that may stand without a blank line between them.
pub(super) fn are_close(a: &ItemKind, b: &ItemKind) -> bool {
    use ItemKind::*;
    matches!(
        (a, b),
        (Schema(_), Schema(_))
            | (Extension(_), Extension(_))
            | (Role(_), Role(_))
            | (ExternalType(_), ExternalType(_))
            | (Grant(_), Grant(_))
            | (Owner(_), Owner(_))
            | (Viewer(_) | Predicate(_), Predicate(_))
            | (Schema(_), Extension(_))
            | (Extension(_), Schema(_))
            | (Domain(_), Domain(_))
            | (Enum(_), Enum(_))
            | (Sequence(_), Sequence(_))
    )
}

impl Printer<'_> {
    pub(super) fn item(&mut self, kind: &ItemKind) -> Cells {
        // those about an entity stand in columns
        if let ItemKind::Predicate(p) = kind
            && !p.params.is_empty()
        {
            let params = join(&p.params, |(n, ty)| format!("{}: {}", name(n), type_ref(ty)));
            let cells = vec![format!("predicate {}({params})", name(&p.name)), format!("= {}", self.expr(&p.body))];
            return Cells(Align::Predicate, cells);
        }
        self.item_text(kind).into()
    }

    fn item_text(&mut self, kind: &ItemKind) -> String {
        match kind {
            ItemKind::Schema(s) => format!("schema {}{}", name(&s.name), was(&s.was)),
            ItemKind::Extension(e) => {
                let schema = e.schema.as_ref().map_or(String::new(), |s| format!(" in {}", name(s)));
                let version = e.version.as_ref().map_or(String::new(), |v| format!(" version {}", string(&v.value)));
                format!("extension {}{schema}{version}", name(&e.name))
            }
            ItemKind::Enum(e) => self.enum_item(e),
            ItemKind::Domain(d) => self.domain(d),
            ItemKind::Composite(c) => self.composite(c),
            ItemKind::Sequence(s) => sequence(s),
            ItemKind::Entity(e) => self.entity(e),
            ItemKind::Mixin(m) => self.mixin(m),
            ItemKind::Viewer(v) => format!("viewer -> {}", qname(&v.entity)),
            ItemKind::Predicate(p) => format!("predicate {} = {}", name(&p.name), self.expr(&p.body)),
            ItemKind::Policy(p) => {
                let rules = self.rules(&p.rules);
                format!("policy on {} {rules}", qname(&p.entity))
            }
            ItemKind::View(v) => self.view(v),
            ItemKind::Function(f) => self.function(f),
            ItemKind::Trigger(t) => self.trigger(t),
            ItemKind::Role(r) => role(r),
            ItemKind::ExternalType(t) => format!("external type {}", qname(t)),
            ItemKind::Grant(g) => grant(g),
            ItemKind::Owner(o) => format!("owner {} of {}", name(&o.role), join(&o.objects, target)),
            ItemKind::Bucket(b) => self.bucket(b),
            ItemKind::Realtime(r) => self.realtime(r),
            ItemKind::Schedule(s) => {
                format!("schedule {} {} as {}", label(&s.name), string(&s.cron.value), body(&s.body))
            }
            ItemKind::Webhook(w) => self.webhook(w),
            ItemKind::Seed(s) => self.seed(s),
            ItemKind::Sql(s) => self.sql(s),
            ItemKind::Promise(p) => self.promise(p),
            ItemKind::Scenario(s) => self.scenario(s),
            ItemKind::Person(person) => self.person(person),
            ItemKind::Query(q) => self.query(q),
            ItemKind::Size(s) => self.size(s),
        }
    }

    fn enum_item(&mut self, e: &EnumDecl) -> String {
        let head = format!("enum {}{}", qname(&e.name), moved(&e.was));
        let plain = e.labels.iter().all(|l| l.doc.is_none() && l.was.is_none());
        let labels: Vec<String> = e.labels.iter().map(|l| label(&l.label)).collect();
        if let Some(line) = self.one_line(&head, &labels, WIDTH).filter(|_| plain) {
            return line;
        }
        let block = self.block(|p, lines| {
            for l in &e.labels {
                p.entry(lines, l.at, &l.doc, |_| format!("{}{}", label(&l.label), was(&l.was)).into());
            }
        });
        format!("{head} {block}")
    }

    fn domain(&mut self, d: &DomainDecl) -> String {
        let default = d.default.as_ref().map_or(String::new(), |e| format!(" = {}", self.expr(e)));
        let head = format!(
            "domain {}{}: {}{}{default}",
            qname(&d.name),
            moved(&d.was),
            type_ref(&d.base),
            collate(&d.collate)
        );
        if d.checks.is_empty() {
            return head;
        }
        if let [check] = d.checks.as_slice() {
            let text = self.check_text(check);
            if let Some(line) = self.one_line(&head, &[text], SHORT) {
                return line;
            }
        }
        let block = self.block(|p, lines| {
            for check in &d.checks {
                p.entry(lines, check.at, &None, |p| p.check(check));
            }
        });
        format!("{head} {block}")
    }

    fn composite(&mut self, c: &CompositeDecl) -> String {
        let head = format!("composite {}{}", qname(&c.name), moved(&c.was));
        let plain = c.fields.iter().all(|f| f.doc.is_none() && f.was.is_none());
        let fields: Vec<String> =
            c.fields.iter().map(|f| format!("{}: {}{}", name(&f.name), type_ref(&f.ty), collate(&f.collate))).collect();
        if let Some(line) = self.one_line(&head, &fields, SHORT).filter(|_| plain) {
            return line;
        }
        let block = self.block(|p, lines| {
            for f in &c.fields {
                p.entry(lines, f.at, &f.doc, |_| {
                    let rest = format!("{}{}", collate(&f.collate), was(&f.was));
                    let cells = vec![format!("{}:", name(&f.name)), type_ref(&f.ty), rest.trim_start().to_owned()];
                    Cells(Align::Column, cells)
                });
            }
        });
        format!("{head} {block}")
    }

    fn entity(&mut self, e: &EntityDecl) -> String {
        let external = if e.external { "external " } else { "" };
        let unlogged = if e.unlogged { "unlogged " } else { "" };
        let from: String = e.from.iter().map(|query| format!(" from {}", self.in_brackets(query))).collect();
        let block = self.members(&e.members);
        format!("{external}{unlogged}entity {}{}{from} {block}", qname(&e.name), moved(&e.was))
    }

    fn mixin(&mut self, m: &MixinDecl) -> String {
        let params = join(&m.params, |p| match &p.default {
            Some(default) => format!("{} = {}", name(&p.name), self.expr(default)),
            None => name(&p.name),
        });
        let params = if m.params.is_empty() { String::new() } else { format!("({params})") };
        let block = self.members(&m.members);
        format!("mixin {}{params} {block}", name(&m.name))
    }

    fn seed(&mut self, s: &SeedDecl) -> String {
        let block = self.seed_rows(&s.rows);
        format!("seed {} {block}", name(&s.env))
    }

    /// `{ rows }`
    pub(super) fn seed_rows(&mut self, rows: &[SeedRow]) -> String {
        self.block(|p, lines| {
            for row in rows {
                p.entry(lines, row.at, &None, |p| p.seed_row(row));
            }
        })
    }

    /// One line where it fits; else as many fields on a line as do.
    fn seed_row(&mut self, row: &SeedRow) -> Cells {
        let label = row.label.as_ref().map_or(String::new(), |l| format!(" {}", name(l)));
        let count = row.count.map_or(String::new(), |n| format!(" * {n}"));
        let head = format!("{}{label}{count}", qname(&row.entity));
        self.values(head, &row.fields, row.at)
    }

    /// What is given to columns, after `head`.
    pub(super) fn values(&mut self, head: String, fields: &[(Name, RawExpr)], at: At) -> Cells {
        let comments = self.comments.get(self.next).is_some_and(|c| c.at.0.start < at.0.end);
        if !comments {
            let list = join(fields, |(n, e)| format!("{}: {}", name(n), e.text));
            let width = head.chars().count() + list.chars().count() + 5;
            if !fields.is_empty() && !list.contains('\n') && width + self.depth * 2 <= WIDTH {
                return Cells(Align::Seed, vec![head, format!("{{ {list} }}")]);
            }
        }
        let block = self.block(|p, lines| {
            let mut rest = fields;
            while !rest.is_empty() {
                let room = WIDTH.saturating_sub(p.depth * 2);
                let (line, after) = rest.split_at(if comments { 1 } else { how_many_fit(rest, room) });
                rest = after;
                let at = At(line[0].0.at.0.to(line[line.len() - 1].1.at.0));
                p.entry(lines, at, &None, |p| join(line, |(n, e)| format!("{}: {}", name(n), p.expr(e))).into());
            }
        });
        format!("{head} {block}").into()
    }

    fn sql(&mut self, s: &SqlDecl) -> String {
        let mut parts = Vec::new();
        if !s.provides.is_empty() {
            parts.push(format!("provides {}", join(&s.provides, |(kind, n)| format!("{} {}", kind.text, qname(n)))));
        }
        if !s.depends.is_empty() {
            parts.push(depends(&s.depends));
        }
        let after = if s.after { "after " } else { "" };
        parts.push(format!("{after}{}", body(&s.up)));
        if let Some(down) = &s.down {
            parts.push(format!("down {}", body(down)));
        }
        parts.into_iter().fold(format!("sql {}", name(&s.name)), |text, part| text + "\n  " + &part)
    }
}

/// How many of the first fields stand on one line, at least one. One of several lines stands alone.
fn how_many_fit(fields: &[(Name, RawExpr)], room: usize) -> usize {
    let mut width = 0;
    let fit = fields.iter().take_while(|(n, e)| {
        width += name(n).chars().count() + e.text.chars().count() + 4; // `: ` and `, `
        width - 2 <= room && !e.text.contains('\n')
    });
    fit.count().max(1)
}

/// `depends on sql a, b`
pub(super) fn depends(list: &[(Option<Name>, QName)]) -> String {
    let all = join(list, |(kind, n)| match kind {
        Some(kind) => format!("{} {}", kind.text, qname_but(n, &["after"])),
        None => qname(n),
    });
    format!("depends on {all}")
}

fn sequence(s: &SequenceDecl) -> String {
    let ty = s.ty.as_ref().map_or(String::new(), |t| format!(": {}", type_ref(t)));
    let head = format!("sequence {}{}{ty}", qname(&s.name), moved(&s.was));
    let mut options: Vec<String> = s.options.iter().map(counting).collect();
    options.extend(s.owned_by.as_ref().map(|(entity, field)| format!("owned by {}.{}", qname(entity), name(field))));
    if options.is_empty() { head } else { format!("{head} {{ {} }}", options.join("  ")) }
}

fn role(r: &RoleDecl) -> String {
    let external = if r.external { "external " } else { "" };
    let options: String = r.options.iter().map(|o| format!(" {}", o.text)).collect();
    let groups = if r.member_of.is_empty() { String::new() } else { format!(" in {}", names(&r.member_of)) };
    format!("{external}role {}{options}{groups}{}", name(&r.name), was(&r.was))
}

fn grant(g: &GrantDecl) -> String {
    let (verb, direction) = if g.revoke { ("revoke", "from") } else { ("grant", "to") };
    let option = if g.grant_option { " with grant option" } else { "" };
    format!("{verb} {} on {} {direction} {}{option}", join(&g.privileges, action), target(&g.object), names(&g.roles),)
}

fn target(t: &Target) -> String {
    let kind = t.kind.as_ref().map_or(String::new(), |k| format!("{} ", k.text));
    let args = t.arg_types.as_ref().map_or(String::new(), |types| format!("({})", join(types, type_ref)));
    format!("{kind}{}{args}", qname_but(&t.name, &["to", "from"]))
}
