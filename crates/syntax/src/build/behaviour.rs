//! Workflows, limits, triggers, views, functions, schedules, webhooks.

use super::Cx;
use crate::ast::*;
use crate::explain::{self, Place};
use crate::grammar::{Pair, Rule};

impl Cx<'_> {
    pub(super) fn workflow(&mut self, pair: Pair<'_>) -> Option<WorkflowDecl> {
        let opener = self.opener(&pair);
        let (mut field, mut steps) = (None, Vec::new());
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::name => field = Some(self.name(&part)),
                Rule::step => steps.push(self.step(part)),
                _ => explain::entry(self, &part, Place::Workflow, opener),
            }
        }
        Some(WorkflowDecl { field: field?, steps })
    }

    fn step(&mut self, pair: Pair<'_>) -> WorkflowStep {
        let at = self.at(&pair);
        let doc = self.doc(at.0.start as usize);
        let mut step = WorkflowStep { doc, from: Vec::new(), to: Vec::new(), when: None, at };
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::step_from => step.from = self.names(part),
                Rule::step_to => step.to = self.names(part),
                _ => step.when = self.inner_expr(part),
            }
        }
        step
    }

    pub(super) fn limit(&mut self, pair: Pair<'_>) -> Option<LimitDecl> {
        let (mut name, mut condition, mut to) = (None, None, None);
        let (mut per, mut overflow, mut promote_by) = (Vec::new(), Vec::new(), Vec::new());
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::cname => name = self.inner_name(part),
                Rule::x_limit => condition = Some(self.expr(&part)),
                Rule::limit_per => per = self.names(part),
                Rule::limit_to => to = self.inner_expr(part),
                Rule::limit_else => {
                    let mut column = None;
                    for part in part.into_inner() {
                        match part.as_rule() {
                            Rule::name => column = Some(self.name(&part)),
                            _ => overflow.extend(column.take().map(|c| (c, self.expr(&part)))),
                        }
                    }
                }
                Rule::promote => promote_by = part.into_inner().map(|p| self.element(p)).collect(),
                _ => {}
            }
        }
        Some(LimitDecl { name: name?, condition: condition?, per, to: to?, overflow, promote_by })
    }

    pub(super) fn trigger(&mut self, pair: Pair<'_>) -> Option<TriggerDecl> {
        let (mut name, mut on, mut timing, mut action, mut when) = (None, None, None, None, None);
        let (mut old_table, mut new_table, mut was) = (None, None, None);
        let (mut constraint, mut initially_deferred, mut per_row, mut enabled) = (false, false, None, None);
        let mut events: Vec<TriggerEvent> = Vec::new();
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::name => name = Some(self.name(&part)),
                Rule::was => was = self.inner_name(part),
                Rule::t_constraint => constraint = true,
                Rule::t_on => on = self.inner_qname(part),
                Rule::timing => {
                    timing = Some(match part.as_str().as_bytes().first() {
                        Some(b'b') => TriggerTiming::Before,
                        Some(b'a') => TriggerTiming::After,
                        _ => TriggerTiming::InsteadOf,
                    });
                }
                Rule::t_event => {
                    let mut parts = part.into_inner();
                    let event = parts.next().map(|p| self.word(&p));
                    let columns = parts.map(|p| self.name(&p)).collect();
                    events.extend(event.map(|event| TriggerEvent { event, columns }));
                }
                Rule::t_each => per_row = part.into_inner().next().map(|p| p.as_str() == "row"),
                Rule::t_referencing => {
                    for part in part.into_inner() {
                        match part.as_rule() {
                            Rule::t_old => old_table = self.inner_name(part),
                            _ => new_table = self.inner_name(part),
                        }
                    }
                }
                Rule::t_when => when = self.inner_expr(part),
                Rule::deferrable => initially_deferred |= part.into_inner().next().is_some(),
                Rule::initially_deferred => initially_deferred = true,
                Rule::t_enabled => {
                    let word = self.word(&part);
                    let text = word.text.rsplit(' ').next().unwrap_or_default().into();
                    enabled = Some(Name { text, at: word.at });
                }
                Rule::execute => action = self.execute(part),
                _ => action = Some(TriggerAction::Body(self.body(&part))),
            }
        }
        // a truncate has no rows
        let per_row = per_row.unwrap_or(events.iter().all(|e| e.event.text != "truncate"));
        Some(TriggerDecl {
            name: name?,
            on,
            timing: timing?,
            events,
            per_row,
            old_table,
            new_table,
            when,
            action: action?,
            constraint,
            initially_deferred,
            enabled,
            was,
        })
    }

    fn execute(&mut self, pair: Pair<'_>) -> Option<TriggerAction> {
        let mut parts = pair.into_inner();
        let function = parts.next().map(|p| self.qname(&p))?;
        Some(TriggerAction::Execute { function, args: parts.map(|p| self.str(&p)).collect() })
    }

    pub(super) fn view(&mut self, pair: Pair<'_>) -> Option<ViewDecl> {
        let opener = self.opener(&pair);
        let (mut name, mut body) = (None, None);
        let mut view = ViewParts::default();
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::qname => name = Some(self.qname(&part)),
                Rule::materialized => view.materialized = true,
                Rule::cols => view.columns = self.names(part),
                Rule::definer => view.security_definer = true,
                Rule::barrier => view.security_barrier = true,
                Rule::check_option => {
                    let at = self.at(&part);
                    let scope = part.into_inner().next().map(|p| self.word(&p));
                    view.check_option = Some(scope.unwrap_or(Name { text: "cascaded".into(), at }));
                }
                Rule::no_data => view.no_data = true,
                Rule::depends => view.depends = self.qnames(part),
                Rule::refresh => view.refresh = self.inner_str(part),
                Rule::roles => view.roles = self.names(part),
                Rule::moved => view.was = self.moved(part),
                Rule::body => body = Some(self.body(&part)),
                Rule::index => {
                    let doc = self.doc(part.as_span().start() + self.base);
                    view.indexes.push(IndexDecl { doc, ..self.index(part) });
                }
                _ => explain::entry(self, &part, Place::View, opener),
            }
        }
        Some(ViewDecl {
            name: name?,
            materialized: view.materialized,
            columns: view.columns,
            security_definer: view.security_definer,
            security_barrier: view.security_barrier,
            check_option: view.check_option,
            no_data: view.no_data,
            depends: view.depends,
            refresh: view.refresh,
            roles: view.roles,
            was: view.was,
            body: body?,
            indexes: view.indexes,
        })
    }

    pub(super) fn function(&mut self, pair: Pair<'_>) -> Option<FunctionDecl> {
        let (mut name, mut body) = (None, None);
        let mut f = FunctionParts::default();
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::fn_word => f.procedure = part.as_str() == "procedure",
                Rule::qname => name = Some(self.qname(&part)),
                Rule::fn_param => f.params.extend(self.function_param(part)),
                Rule::type_ref => f.returns = Some(Returns::Type(self.type_ref(part))),
                Rule::ret_setof => {
                    f.returns = part.into_inner().next().map(|p| Returns::SetOf(self.type_ref(p)));
                }
                Rule::ret_table => f.returns = Some(Returns::Table(self.typed_names(part))),
                Rule::language => f.language = self.inner_name(part),
                Rule::volatility => f.volatility = Some(self.word(&part)),
                Rule::strict => f.strict = true,
                Rule::parallel => f.parallel = part.into_inner().next().map(|p| self.word(&p)),
                Rule::leakproof => f.leakproof = true,
                Rule::definer => f.security_definer = true,
                Rule::cost => f.cost = part.into_inner().next().map(|p| p.as_str().into()),
                Rule::rows => f.rows = part.into_inner().next().map(|p| p.as_str().into()),
                Rule::fn_set => f.settings.extend(self.function_setting(part)),
                Rule::depends => f.depends = self.qnames(part),
                Rule::roles => f.roles = self.names(part),
                Rule::moved => f.was = self.moved(part),
                Rule::fn_atomic => f.atomic = true,
                _ => body = Some(self.body(&part)),
            }
        }
        Some(FunctionDecl {
            procedure: f.procedure,
            name: name?,
            params: f.params,
            returns: f.returns,
            language: f.language,
            volatility: f.volatility,
            strict: f.strict,
            parallel: f.parallel,
            leakproof: f.leakproof,
            security_definer: f.security_definer,
            cost: f.cost,
            rows: f.rows,
            settings: f.settings,
            depends: f.depends,
            roles: f.roles,
            was: f.was,
            atomic: f.atomic,
            body: body?,
        })
    }

    fn function_param(&mut self, pair: Pair<'_>) -> Option<FunctionParam> {
        let at = self.at(&pair);
        let (mut mode, mut name, mut ty, mut default) = (None, None, None, None);
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::fn_mode => mode = Some(self.word(&part)),
                Rule::name => name = Some(self.name(&part)),
                Rule::type_ref => ty = Some(self.type_ref(part)),
                _ => default = Some(self.expr(&part)),
            }
        }
        let name = name.unwrap_or(Name { text: Default::default(), at });
        Some(FunctionParam { mode, name, ty: ty?, default })
    }

    fn typed_names(&mut self, pair: Pair<'_>) -> Vec<(Name, TypeRef)> {
        let (mut out, mut name) = (Vec::new(), None);
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::name => name = Some(self.name(&part)),
                _ => {
                    let ty = self.type_ref(part);
                    out.extend(name.take().map(|name| (name, ty)));
                }
            }
        }
        out
    }

    /// `set search_path = ''`: a single string is kept without quotes, a list as written.
    fn function_setting(&mut self, pair: Pair<'_>) -> Option<Setting> {
        let at = self.at(&pair);
        let mut parts = pair.into_inner();
        // `TimeZone` is how Postgres keeps it.
        let name = parts.next().map(|p| self.name(&p))?;
        let value = parts.next()?.as_str().to_owned();
        let quoted = value.starts_with('\'') && only_string(&value);
        let value = if quoted { super::small::unquote(&value) } else { list(&value).into() };
        Some(Setting { name, value, quoted, at })
    }

    pub(super) fn schedule(&mut self, pair: Pair<'_>) -> Option<ScheduleDecl> {
        let (mut name, mut cron, mut body) = (None, None, None);
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::sname => name = Some(self.name(&part)),
                Rule::str => cron = Some(self.str(&part)),
                _ => body = Some(self.body(&part)),
            }
        }
        Some(ScheduleDecl { name: name?, cron: cron?, body: body? })
    }

    pub(super) fn webhook(&mut self, pair: Pair<'_>) -> Option<WebhookDecl> {
        let opener = self.opener(&pair);
        let (mut name, mut entity, mut when, mut target, mut timeout) = (None, None, None, None, None);
        let (mut actions, mut headers) = (Vec::new(), Vec::new());
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::name => name = Some(self.name(&part)),
                Rule::qname => entity = Some(self.qname(&part)),
                Rule::wh_act => actions.extend(self.act(part)),
                Rule::flow_when => when = self.inner_expr(part),
                Rule::wh_url => target = self.inner_str(part).map(WebhookTarget::Url),
                Rule::wh_edge => target = self.inner_str(part).map(WebhookTarget::EdgeFunction),
                Rule::wh_header => {
                    let (mut strings, mut secret) = (Vec::new(), false);
                    for part in part.into_inner() {
                        match part.as_rule() {
                            Rule::wh_secret => secret = true,
                            _ => strings.push(self.str(&part)),
                        }
                    }
                    if let (Some(value), Some(name)) = (strings.pop(), strings.pop()) {
                        headers.push((name, value, secret));
                    }
                }
                Rule::wh_timeout => {
                    let at = self.at(&part);
                    timeout = part.into_inner().next().and_then(|p| self.number(&p)).map(|number| (number, at));
                }
                _ => explain::entry(self, &part, Place::Webhook, opener),
            }
        }
        Some(WebhookDecl { name: name?, entity: entity?, actions, when, target, headers, timeout })
    }
}

/// Nothing but one string.
fn only_string(value: &str) -> bool {
    let inner = value.get(1..value.len().saturating_sub(1)).unwrap_or("");
    value.len() > 1 && value.ends_with('\'') && !inner.replace("''", "").contains('\'')
}

/// `a,b` as `a, b`; commas in quotes stay.
fn list(value: &str) -> String {
    let (mut out, mut quote) = (String::new(), None);
    for c in value.chars() {
        match quote {
            None if c == ',' => out.push_str(", "),
            None if c.is_ascii_whitespace() => {}
            None => {
                if c == '\'' || c == '"' {
                    quote = Some(c);
                }
                out.push(c);
            }
            Some(q) => {
                if c == q {
                    quote = None;
                }
                out.push(c);
            }
        }
    }
    out
}

/// The optional parts of a view.
#[derive(Default)]
struct ViewParts {
    materialized: bool,
    columns: Vec<Name>,
    security_definer: bool,
    security_barrier: bool,
    check_option: Option<Name>,
    no_data: bool,
    depends: Vec<QName>,
    refresh: Option<StrLit>,
    roles: Vec<Name>,
    was: Option<QName>,
    indexes: Vec<IndexDecl>,
}

/// The optional parts of a function.
#[derive(Default)]
struct FunctionParts {
    procedure: bool,
    params: Vec<FunctionParam>,
    returns: Option<Returns>,
    language: Option<Name>,
    volatility: Option<Name>,
    strict: bool,
    parallel: Option<Name>,
    leakproof: bool,
    security_definer: bool,
    cost: Option<smol_str::SmolStr>,
    rows: Option<smol_str::SmolStr>,
    settings: Vec<Setting>,
    depends: Vec<QName>,
    roles: Vec<Name>,
    was: Option<QName>,
    atomic: bool,
}
