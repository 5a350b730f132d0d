//! Formulas to SQL, in one canonical form: keywords in lowercase, single spaces, parentheses where the author wrote them
//! or where a part would be read differently without them.

mod fixed;

use super::extensions;
use super::{AsIs, Call, Cast, Form, Formula, Node, Operator, Part, Piece, Sql};
use crate::types::Model;
use smol_str::SmolStr;
use specc_sql::quote;

/// How tightly a piece of SQL holds together, as in Postgres's table of precedence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Level(u8);

impl Level {
    /// `or`
    pub const OR: Self = Self(10);
    /// `and`
    pub const AND: Self = Self(20);
    /// `not`
    pub const NOT: Self = Self(30);
    /// `is null`
    pub const IS: Self = Self(40);
    /// `=`
    pub const COMPARE: Self = Self(50);
    /// `like`, `between`, `in`
    pub const LIKE: Self = Self(60);
    /// Any operator that has no level of its own.
    pub const OPERATOR: Self = Self(70);
    /// `+`
    pub const PLUS: Self = Self(80);
    /// `*`
    pub const TIMES: Self = Self(90);
    /// `^`
    pub const POWER: Self = Self(100);
    /// `at time zone`
    pub const ZONE: Self = Self(110);
    /// `collate`
    pub const COLLATE: Self = Self(120);
    /// A sign.
    pub const SIGN: Self = Self(125);
    /// `::`
    pub const CAST: Self = Self(140);
    /// What nothing can tear apart.
    pub const ATOM: Self = Self(255);

    /// Only what holds together more tightly.
    pub fn above(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    fn of(op: &Operator) -> Self {
        match op {
            Operator::And => Self::AND,
            Operator::Or => Self::OR,
            Operator::Equal => Self::COMPARE,
            Operator::Other(name) => match name.as_str() {
                "<>" | "!=" | "<" | "<=" | ">" | ">=" => Self::COMPARE,
                "overlaps" => Self::LIKE,
                "+" | "-" => Self::PLUS,
                "*" | "/" | "%" => Self::TIMES,
                "^" => Self::POWER,
                _ => Self::OPERATOR,
            },
        }
    }
}

/// Says how the names of the spec stand in the SQL.
pub trait Names {
    /// The SQL of a node that only the place knows how to write (a column, a path, `viewer`, a claim, `exists path`, a
    /// predicate), and how tightly it holds together.
    fn spec(&mut self, formula: &Formula) -> (String, Level);
    /// A table of the spec in the `from` of plain SQL. `named`: the query gives it a name of its own.
    fn table(&mut self, entity: crate::EntityId, named: bool) -> String;
    /// The name of a function that is called. `declared`: it is the spec's.
    fn function(&mut self, name: &crate::Qualified, qualified: bool, declared: Option<usize>) -> String;
    /// Plain SQL begins, in which these names stand for tables; `query`: they hide what is outside.
    fn enter(&mut self, sql: &Sql);
    /// It ends.
    fn leave(&mut self, sql: &Sql);
    /// A view of the spec in the `from` of plain SQL.
    fn view(&mut self, at: usize) -> String;
    /// `sql $$ … $$` is met: whoever wants to know notes what it names.
    fn as_is(&mut self, sql: &AsIs);
    /// The model, where the SQL is read under a search path that has nothing of extensions: their operators, functions
    /// and types are written with their schemas.
    fn fixed(&self) -> Option<&Model> {
        None
    }
}

/// Names of formulas that have no row and no viewer: values of seeds. What is the spec's own is null there.
#[derive(Debug)]
pub struct Plain;

impl Names for Plain {
    fn spec(&mut self, _: &Formula) -> (String, Level) {
        ("null".into(), Level::ATOM)
    }

    fn table(&mut self, _: crate::EntityId, _: bool) -> String {
        String::new()
    }

    fn function(&mut self, name: &crate::Qualified, written: bool, declared: Option<usize>) -> String {
        if written || declared.is_some() {
            quote::qualified(&name.schema, &name.name)
        } else {
            quote::word(&name.name).into_owned()
        }
    }

    fn enter(&mut self, _: &Sql) {}

    fn leave(&mut self, _: &Sql) {}

    fn view(&mut self, _: usize) -> String {
        String::new()
    }

    fn as_is(&mut self, _: &AsIs) {}
}

/// The SQL of `formula`.
pub fn print(formula: &Formula, names: &mut dyn Names) -> String {
    let mut printer = Printer { out: String::new(), names };
    printer.formula(formula, Level::OR);
    printer.out
}

/// The SQL of `formula` as an operand that has to hold together at least this tightly.
pub fn print_as(formula: &Formula, least: Level, names: &mut dyn Names) -> String {
    let mut printer = Printer { out: String::new(), names };
    printer.formula(formula, least);
    printer.out
}

/// The SQL of `formula` without parentheses around it, and how tightly it holds together.
pub fn print_open(formula: &Formula, names: &mut dyn Names) -> (String, Level) {
    let mut printer = Printer { out: String::new(), names };
    let level = printer.node(formula);
    (printer.out, level)
}

struct Printer<'n> {
    out: String,
    names: &'n mut dyn Names,
}

impl Printer<'_> {
    /// Writes `formula`, in parentheses unless it holds together at least this tightly.
    fn formula(&mut self, formula: &Formula, least: Level) {
        let at = self.out.len();
        let level = self.node(formula);
        if level < least {
            self.out.insert(at, '(');
            self.out.push(')');
        }
    }

    fn node(&mut self, formula: &Formula) -> Level {
        match &formula.node {
            Node::Column(..)
            | Node::Path(..)
            | Node::Whole(..)
            | Node::Viewer
            | Node::ViewerField(_)
            | Node::Claim(_)
            | Node::Parameter(_)
            | Node::Exists(_)
            | Node::Predicate(..) => {
                let (sql, level) = self.names.spec(formula);
                self.out.push_str(&sql);
                level
            }
            Node::Literal(value) => {
                self.out.push_str(&value.sql());
                Level::ATOM
            }
            Node::Name(parts) => {
                self.out.push_str(&dotted(parts));
                Level::ATOM
            }
            Node::Call(call) => self.call(call),
            Node::Binary(op, sides) => self.binary(op, &sides.0, &sides.1),
            Node::Not(inner) => {
                self.out.push_str("not ");
                self.formula(inner, Level::NOT);
                Level::NOT
            }
            Node::Unary(op, inner) => self.unary(op, inner),
            Node::Nested(inner) => {
                self.out.push('(');
                self.formula(inner, Level::OR);
                self.out.push(')');
                Level::ATOM
            }
            Node::Cast(cast) => self.cast(cast),
            Node::InList(list, negated) => {
                if let Some(level) = self.in_list(&list.0, &list.1, *negated) {
                    return level;
                }
                self.formula(&list.0, Level::LIKE.above());
                self.out.push_str(if *negated { " not in (" } else { " in (" });
                self.list(list.1.iter());
                self.out.push(')');
                Level::LIKE
            }
            Node::IsNull(inner, negated) => {
                self.formula(inner, Level::IS.above());
                self.out.push_str(if *negated { " is not null" } else { " is null" });
                Level::IS
            }
            Node::Is(inner, what) => {
                self.formula(inner, Level::IS.above());
                self.out.push_str(" is ");
                self.out.push_str(what);
                Level::IS
            }
            Node::Form(form) => self.form(form),
            Node::Sql(sql) => {
                self.sql(sql);
                Level::ATOM
            }
            Node::AsIs(sql) => {
                self.names.as_is(sql);
                self.out.push_str(&sql.text);
                Level::ATOM
            }
        }
    }

    fn binary(&mut self, op: &Operator, left: &Formula, right: &Formula) -> Level {
        if let Some(level) = self.rows(op, left, right) {
            return level;
        }
        let name = match op {
            Operator::And | Operator::Or => None,
            Operator::Equal => Some("="),
            Operator::Other(name) => Some(name.as_str()),
        };
        if let Some(operator) = name.and_then(|name| self.operator(name, &[left, right])) {
            self.formula(left, Level::OPERATOR);
            self.out.push_str(&format!(" {operator} "));
            self.formula(right, Level::OPERATOR.above());
            return Level::OPERATOR;
        }
        let own = Level::of(op);
        // Comparisons do not chain.
        let chains = !matches!(own, Level::COMPARE | Level::LIKE);
        // `and` and `or` come in long chains, so the left side is not descended into.
        let mut operands = vec![right];
        let mut head = left;
        while let Node::Binary(next, sides) = &head.node
            && next == op
            && chains
            && (matches!(op, Operator::And | Operator::Or) || self.names.fixed().is_none())
        {
            operands.push(&sides.1);
            head = &sides.0;
        }
        self.formula(head, if chains { own } else { own.above() });
        for operand in operands.into_iter().rev() {
            self.out.push(' ');
            self.out.push_str(match op {
                Operator::And => "and",
                Operator::Or => "or",
                Operator::Equal => "=",
                Operator::Other(name) => name,
            });
            self.out.push(' ');
            self.formula(operand, own.above());
        }
        own
    }

    fn unary(&mut self, op: &str, inner: &Formula) -> Level {
        if let Some(operator) = self.operator(op, &[inner]) {
            self.out.push_str(&format!("{operator} "));
            self.formula(inner, Level::OPERATOR.above());
            return Level::OPERATOR;
        }
        let sign = matches!(op, "-" | "+");
        self.out.push_str(op);
        // `- -1`, not `--1`, which starts a comment; `@ -1`, not the operator `@-`.
        if !sign || matches!(inner.node, Node::Unary(..)) {
            self.out.push(' ');
        }
        self.formula(inner, if sign { Level::SIGN } else { Level::OPERATOR.above() });
        if sign { Level::SIGN } else { Level::OPERATOR }
    }

    fn cast(&mut self, cast: &Cast) -> Level {
        if cast.long {
            self.out.push_str("cast(");
            self.formula(&cast.of, Level::OR);
            self.out.push_str(" as ");
            self.type_name(&cast.to);
            self.out.push(')');
            Level::ATOM
        } else {
            self.formula(&cast.of, Level::CAST);
            self.out.push_str("::");
            self.type_name(&cast.to);
            Level::CAST
        }
    }

    fn call(&mut self, call: &Call) -> Level {
        if let ("nullif", false, [(_, left), (_, right)]) = (&*call.function.name, call.qualified, &call.args[..])
            && let Some(level) = self.null_if(left, right)
        {
            return level;
        }
        let name = match self.names.fixed().and_then(|model| extensions::function_schema(model, call)) {
            Some(schema) => quote::qualified(&schema, &call.function.name),
            None => self.names.function(&call.function, call.qualified, call.declared),
        };
        self.out.push_str(&name);
        if call.bare {
            return Level::ATOM;
        }
        self.out.push('(');
        if call.star {
            self.out.push('*');
        }
        for (at, (name, arg)) in call.args.iter().enumerate() {
            if at > 0 {
                self.out.push_str(", ");
            }
            if let Some(name) = name {
                quote::push_ident(&mut self.out, name);
                self.out.push_str(" => ");
            }
            self.formula(arg, Level::OR);
        }
        self.out.push(')');
        Level::ATOM
    }

    fn form(&mut self, form: &Form) -> Level {
        if let Some(level) = self.comparing(form) {
            return level;
        }
        for part in &form.parts {
            match part {
                Part::Words(words) => self.out.push_str(words),
                Part::Operand(formula, least) => self.formula(formula, *least),
                Part::Type(ty) => self.type_name(ty),
            }
        }
        form.level
    }

    fn sql(&mut self, sql: &Sql) {
        self.names.enter(sql);
        for piece in &sql.pieces {
            match piece {
                Piece::Text(text) => self.out.push_str(text),
                Piece::Formula(formula) => self.formula(formula, Level::ATOM),
                Piece::Table(id, named) => {
                    let table = self.names.table(*id, *named);
                    self.out.push_str(&table);
                }
                Piece::View(at) => {
                    let view = self.names.view(*at);
                    self.out.push_str(&view);
                }
                Piece::Function { name, qualified, declared } => {
                    let name = self.names.function(name, *qualified, *declared);
                    self.out.push_str(&name);
                }
                Piece::Type(ty) => self.type_name(ty),
            }
        }
        self.names.leave(sql);
    }

    fn list<'f>(&mut self, items: impl Iterator<Item = &'f Formula>) {
        for (at, item) in items.enumerate() {
            if at > 0 {
                self.out.push_str(", ");
            }
            self.formula(item, Level::OR);
        }
    }

    fn type_name(&mut self, ty: &super::TypeName) {
        match self.names.fixed() {
            Some(model) => self.out.push_str(&extensions::type_sql(model, ty)),
            None => self.out.push_str(&ty.sql),
        }
    }
}

/// `a."B"`
fn dotted(parts: &[SmolStr]) -> String {
    let mut out = String::new();
    for (at, part) in parts.iter().enumerate() {
        if at > 0 {
            out.push('.');
        }
        quote::push_ident(&mut out, part);
    }
    out
}
