//! Formulas: what the checker makes of an expression of the spec.
//!
//! A formula is a typed tree in which every name has its meaning. A row is bound, never named: a column says which row
//! it belongs to, and whoever prints the formula says how each row is addressed. Nothing behind the checker looks a name
//! up again. What is no scalar expression of its own (a subquery, a rare form of the grammar) is SQL in [`Piece`]s: text,
//! and between it the names of the spec with their meanings.

mod build;
pub mod extensions;
mod forms;
mod print;
mod query;
mod select;
mod value;
mod walk;

pub(crate) use build::{Builder, Meaning, Meanings};
pub use print::{Level, Names, Plain, print, print_as, print_open};
pub use select::{is_aggregate, is_aggregated};
pub use specc_facts::Volatility;
pub use value::Value;

use crate::scope::PathStep;
use crate::types::{Base, EntityId, FieldIx, Model, Object, PredicateId, Qualified, Type};
use smol_str::SmolStr;
use specc_diag::Span;
use specc_sql::quote;

/// An expression with its meaning.
#[derive(Clone, Debug, PartialEq)]
pub struct Formula {
    /// What it is.
    pub node: Node,
    /// Its type; [`crate::Base::Unknown`] where that cannot be known.
    pub ty: Type,
    /// Where it was written.
    pub span: Span,
    /// Whether it can be null.
    pub nullable: bool,
    /// How often its value can change.
    pub volatility: Volatility,
}

/// Which row a column or a path belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Row {
    /// A row of the [`crate::scope::Scope`] that the expression was checked in, by its place.
    Scope(usize),
    /// The row that the enclosing `exists path (…)` of this nesting looks at; 0 is the outermost.
    Bound(usize),
    /// A row of a plain SQL query around it, by the name that it has there.
    Query(SmolStr, EntityId),
    /// The same of a view, by its place in [`crate::Model::views`]; its columns are counted as the view gives them.
    View(SmolStr, usize),
}

/// An operator with two operands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operator {
    /// `and`
    And,
    /// `or`
    Or,
    /// `=`
    Equal,
    /// Any other, as Postgres spells it.
    Other(SmolStr),
}

/// What a formula is.
#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    /// A constant.
    Literal(Value),
    /// A column of a row at hand.
    Column(Row, FieldIx),
    /// A column of the row that relations lead to.
    Path(Row, Box<[PathStep]>, FieldIx),
    /// A row itself, at hand or at the end of a path: the argument of a predicate.
    Whole(Row, Box<[PathStep]>),
    /// The key of who is asking.
    Viewer,
    /// A column of the viewer's row.
    ViewerField(FieldIx),
    /// A claim of the request's token: its keys.
    Claim(Box<[SmolStr]>),
    /// A scalar parameter of the predicate whose body this is, by its place.
    Parameter(usize),
    /// A name of SQL that is none of the spec: `ctid`, `value` in the check of a domain, a column of a view.
    Name(Box<[SmolStr]>),
    /// `exists path (condition)`
    Exists(Box<Exists>),
    /// A predicate with its arguments: rows ([`Node::Whole`]) and values.
    Predicate(PredicateId, Box<[Formula]>),
    /// A call of a function.
    Call(Box<Call>),
    /// An operation on two operands.
    Binary(Operator, Box<(Formula, Formula)>),
    /// `not`
    Not(Box<Formula>),
    /// An operator before its operand: `-`, `@`, `~`.
    Unary(SmolStr, Box<Formula>),
    /// Parentheses of the author.
    Nested(Box<Formula>),
    /// `expr::type`, or `cast(expr as type)`.
    Cast(Box<Cast>),
    /// `expr in (…)`; whether it is negated.
    InList(Box<(Formula, Vec<Formula>)>, bool),
    /// `expr is null`; whether it is negated.
    IsNull(Box<Formula>, bool),
    /// `expr is true`, `expr is not false` …: what is said of it.
    Is(Box<Formula>, &'static str),
    /// Another form of the grammar: its words, and its operands with how tightly each has to hold together.
    Form(Box<Form>),
    /// SQL in pieces: a subquery with its parentheses, or a form that is not taken apart.
    Sql(Box<Sql>),
    /// `sql $$ … $$`
    AsIs(Box<AsIs>),
}

/// `exists path (condition)`: whether a row at the end of the path satisfies the condition.
#[derive(Clone, Debug, PartialEq)]
pub struct Exists {
    /// Where the path starts.
    pub row: Row,
    /// The way; empty where the row itself is asked.
    pub steps: Box<[PathStep]>,
    /// The entity at its end.
    pub target: EntityId,
    /// `including deleted`: rows that do not exist for others are looked at too.
    pub including_deleted: bool,
    /// Over a row of it, which is [`Row::Bound`] at this nesting.
    pub condition: Formula,
}

/// `sql $$ … $$`: SQL that stays as it is, and what it names.
#[derive(Clone, Debug, PartialEq)]
pub struct AsIs {
    /// The text.
    pub text: SmolStr,
    /// Columns that it reads of the entities whose rows are at hand, sorted.
    pub columns: Vec<(EntityId, FieldIx)>,
    /// What else of the spec it names, sorted.
    pub objects: Vec<Object>,
}

/// A call of a function.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// Schema (the default one where none is written) and name, folded.
    pub function: Qualified,
    /// The schema is written.
    pub qualified: bool,
    /// The function of the spec that is called, by its place in [`crate::Model::functions`].
    pub declared: Option<usize>,
    /// The arguments; named ones with their names.
    pub args: Vec<(Option<SmolStr>, Formula)>,
    /// Written without parentheses, as `current_date` is.
    pub bare: bool,
    /// `*` is its argument.
    pub star: bool,
}

/// A cast.
#[derive(Clone, Debug, PartialEq)]
pub struct Cast {
    /// What is cast.
    pub of: Formula,
    /// The type.
    pub to: TypeName,
    /// `cast(… as …)`, not `::`.
    pub long: bool,
}

/// A type as it stands in SQL.
#[derive(Clone, Debug, PartialEq)]
pub struct TypeName {
    /// Its SQL; types of the spec are qualified.
    pub sql: SmolStr,
    /// Schema (the default one where none is written) and name, unless it is a type of the grammar.
    pub name: Option<Qualified>,
}

/// A form of the grammar that nobody needs to look into.
#[derive(Clone, Debug, PartialEq)]
pub struct Form {
    /// How tightly it holds together.
    pub level: Level,
    /// Words and operands.
    pub parts: Vec<Part>,
}

/// A part of a [`Form`].
#[derive(Clone, Debug, PartialEq)]
pub enum Part {
    /// Words of the grammar, with the spaces around them.
    Words(SmolStr),
    /// An operand, and how tightly it has to hold together at least.
    Operand(Formula, Level),
    /// A type.
    Type(TypeName),
}

/// SQL whose names have their meanings.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sql {
    /// The pieces in their order.
    pub pieces: Vec<Piece>,
    /// Names that its queries give to their tables.
    pub aliases: Vec<SmolStr>,
    /// Whether it is a query, so that names in it are looked up in its own tables first.
    pub query: bool,
    /// Of its tables, those whose rows it wants to be missing: in `not exists (…)`, `… not in (…)`, `… <> all (…)`.
    pub negated: Vec<EntityId>,
    /// The queries that it is made of: one, or those of a `union`. None where one of them is not looked into.
    pub selects: Vec<Select>,
}

/// A query as a choice of rows: what it reads, a condition over that, and what is given of each choice.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Select {
    /// What it reads, in the order in which it is written.
    pub tables: Vec<From>,
    /// What `where` and the joins ask together, in the order in which they are written.
    pub conditions: Vec<Formula>,
    /// The columns of the result.
    pub output: Vec<Formula>,
    /// Their names.
    pub names: Vec<SmolStr>,
    /// Whether `*` is among them, which is read as all columns.
    pub star: bool,
    /// What its rows are ordered by.
    pub ordered: Vec<Formula>,
    /// Whether it gives something else than a row for each choice: groups of them, or the first few.
    pub partial: bool,
    /// Whether of all choices the first is given alone, in no order that anybody says.
    pub first: bool,
}

/// Something that a [`Select`] reads.
#[derive(Clone, Debug, PartialEq)]
pub struct From {
    /// The name that it has in the query.
    pub name: SmolStr,
    /// What it is.
    pub of: Read,
    /// `left join … on`: where nothing of it satisfies this, there is a row of nulls.
    pub outer: Option<Vec<Formula>>,
}

/// What is read.
#[derive(Clone, Debug, PartialEq)]
pub enum Read {
    /// A table of the spec.
    Entity(EntityId),
    /// A view of the spec, by its place in [`crate::Model::views`].
    View(usize),
    /// What a query gives, in parentheses or by the name that `with` gives it. Its columns are [`Node::Name`]s.
    Query(Vec<Select>),
    /// What a function gives that Postgres or an extension has: its arguments, and where it stands.
    Call(Vec<Formula>, Span),
    /// Something else, such as a query in parentheses, and where it stands.
    Other(Span),
}

/// A piece of SQL.
#[derive(Clone, Debug, PartialEq)]
pub enum Piece {
    /// SQL that stays as it is.
    Text(SmolStr),
    /// What the spec gives a meaning.
    Formula(Formula),
    /// A table of the spec in `from`, and whether the query gives it a name of its own.
    Table(EntityId, bool),
    /// A view of the spec in `from`, by its place in [`crate::Model::views`].
    View(usize),
    /// A function: its name as in a [`Call`], without arguments.
    Function {
        /// Schema and name, folded.
        name: Qualified,
        /// The schema is written.
        qualified: bool,
        /// The function of the spec.
        declared: Option<usize>,
    },
    /// A type.
    Type(TypeName),
}

impl TypeName {
    /// The SQL of a type of the model.
    pub fn of(model: &Model, ty: &Type) -> Self {
        let named = ty.declared(model);
        let mut sql = match (&ty.base, named) {
            (_, Some(name)) if !name.schema.is_empty() => quote::qualified(&name.schema, &name.name),
            (_, Some(name)) => quote::ident(&name.name).into_owned(),
            (Base::Builtin(name), _) => name.to_string(),
            _ => "text".to_owned(),
        };
        if !ty.args.is_empty() {
            let args: Vec<String> = ty.args.iter().map(i64::to_string).collect();
            sql.push_str(&format!("({})", args.join(", ")));
        }
        (0..ty.dims).for_each(|_| sql.push_str("[]"));
        Self { sql: sql.into(), name: named.cloned() }
    }
}

impl Formula {
    /// A constant that no author wrote.
    pub fn literal(value: Value, ty: Type) -> Self {
        let nullable = value == Value::Null;
        Self { node: Node::Literal(value), ty, span: Span::default(), nullable, volatility: Volatility::Immutable }
    }

    /// A word of the grammar where a value stands, such as `minvalue`.
    pub(crate) fn word(word: &str, span: Span) -> Self {
        let ty = Type { base: crate::types::Base::Unknown, args: Vec::new(), dims: 0 };
        let node = Node::Name([SmolStr::from(word)].into());
        Self { node, ty, span, nullable: false, volatility: Volatility::Immutable }
    }

    /// What `ast`, the tree of `text`, means where it names columns that the model does not know: of a view. Its names
    /// stay names of SQL.
    pub(crate) fn of_sql(model: &crate::Model, ast: &sqlparser::ast::Expr, text: &str, at: Span) -> Self {
        let (meanings, scope) = (Meanings::default(), crate::scope::Scope::default());
        Builder::new(model, &meanings, &scope, text, at).formula(ast)
    }

    /// The formula without the parentheses around it.
    pub fn bare(&self) -> &Formula {
        let mut formula = self;
        while let Node::Nested(inner) = &formula.node {
            formula = inner;
        }
        formula
    }

    /// The operands of a chain of one operator, left to right; the formula itself where it is no such chain.
    pub fn chain(&self, wanted: &Operator) -> Vec<&Formula> {
        let mut parts = Vec::new();
        let mut rest = vec![self];
        while let Some(next) = rest.pop() {
            match &next.node {
                Node::Binary(op, operands) if op == wanted => {
                    rest.push(&operands.1);
                    rest.push(&operands.0);
                }
                _ => parts.push(next),
            }
        }
        parts
    }

    /// That the condition does not hold, or is unknown.
    pub fn is_not_true(condition: Formula) -> Formula {
        let (ty, span, volatility) = (condition.ty.clone(), condition.span, condition.volatility);
        Formula { node: Node::Is(Box::new(condition), "not true"), ty, span, nullable: false, volatility }
    }

    /// All of `parts` together, as a chain of `and`; none where there are none.
    pub fn all(parts: &[&Formula]) -> Option<Formula> {
        parts.iter().map(|part| (*part).clone()).reduce(|left, right| {
            let (ty, span) = (left.ty.clone(), left.span);
            let nullable = left.nullable || right.nullable;
            let volatility = left.volatility.max(right.volatility);
            Formula { node: Node::Binary(Operator::And, Box::new((left, right))), ty, span, nullable, volatility }
        })
    }

    /// The two sides, if it is an equality.
    pub fn equality(&self) -> Option<(&Formula, &Formula)> {
        match &self.node {
            Node::Binary(Operator::Equal, sides) => Some((&sides.0, &sides.1)),
            _ => None,
        }
    }

    /// The column of the row at hand (the only row of its scope) that it is, in parentheses or not.
    pub fn own_column(&self) -> Option<FieldIx> {
        match self.bare().node {
            Node::Column(Row::Scope(0), field) => Some(field),
            _ => None,
        }
    }

    /// The text that a literal stands for, also under a cast: `'draft'`, `'draft'::state`.
    pub fn literal_text(&self) -> Option<&str> {
        match &self.bare().node {
            Node::Literal(value) => value.text(),
            Node::Cast(cast) => cast.of.literal_text(),
            _ => None,
        }
    }

    /// Whether it is a literal, or a cast or a sign before one: the same whenever it is read.
    pub fn is_constant(&self) -> bool {
        match &self.node {
            Node::Literal(_) => true,
            Node::Nested(inner) | Node::Unary(_, inner) => inner.is_constant(),
            Node::Cast(cast) => cast.of.is_constant(),
            Node::Form(form) => form.parts.iter().all(|p| match p {
                Part::Operand(formula, _) => matches!(formula.node, Node::Literal(_)),
                Part::Words(words) => words.trim().is_empty(),
                Part::Type(_) => true,
            }),
            _ => false,
        }
    }
}
