//! Functions as the API calls them: with named arguments, or as a field of a row.

use crate::collate::compare;
use crate::formats::{Format, nullable, of_column, row, type_of};
use crate::print::{Field, Ts};
use crate::world::World;
use rustc_hash::FxHashMap;
use smol_str::{SmolStr, format_smolstr};
use specc_catalog::{DataType, Function, IdRef, Kind, Param, Returns};
use specc_sql::quote;
use std::cmp::Ordering;

/// The functions of a schema that have one name.
pub(crate) struct Named<'c> {
    pub name: &'c SmolStr,
    overloads: Vec<Overload<'c>>,
}

/// One of them.
struct Overload<'c> {
    function: &'c Function,
    inputs: Vec<Input<'c>>,
    /// As the server lists them.
    listed: String,
    /// What it gives, as one type.
    gives: DataType,
}

struct Input<'c> {
    param: &'c Param,
    default: bool,
}

/// The functions of a schema that the API can call, by name.
pub(crate) fn of_schema<'c>(world: &World<'c>, schema: &str) -> Vec<Named<'c>> {
    let mut found: FxHashMap<&SmolStr, Vec<Overload<'c>>> = FxHashMap::default();
    for function in world.functions.iter().filter(|function| function.schema == schema) {
        if let Some(overload) = Overload::of(world, function) {
            found.entry(&function.name).or_default().push(overload);
        }
    }
    let named = |(name, mut overloads): (_, Vec<Overload<'c>>)| {
        overloads.sort_by(|a, b| {
            let gives = |o: &Overload<'_>| result(o.function, &o.gives);
            compare(&a.listed, &b.listed).then_with(|| compare(&gives(a), &gives(b)))
        });
        Named { name, overloads }
    };
    #[allow(clippy::iter_over_hash_type)] // sorted below
    let mut all: Vec<Named<'c>> = found.into_iter().map(named).collect();
    all.sort_by(|a, b| compare(a.name, b.name).then_with(|| a.name.cmp(b.name)));
    all
}

/// A function that the API can call.
#[derive(Debug)]
pub struct Call<'c> {
    /// It.
    pub function: &'c Function,
    /// Each with whether it may be left out.
    pub arguments: Vec<(&'c Param, bool)>,
    /// What it gives, or one of what it gives.
    pub gives: DataType,
    /// Whether it gives several of them.
    pub is_set: bool,
}

/// The functions of a schema that the API can call, each overload by itself.
pub(crate) fn calls<'c>(world: &World<'c>, schema: &str) -> Vec<Call<'c>> {
    let own = world.functions.iter().filter(|function| function.schema == schema);
    let call = |overload: Overload<'c>| Call {
        function: overload.function,
        is_set: overload.is_set(),
        arguments: overload.inputs.iter().map(|input| (input.param, input.default)).collect(),
        gives: overload.gives,
    };
    own.filter_map(|function| Overload::of(world, function)).map(call).collect()
}

/// The functions that are fields of rows, by the relation of the rows: their names and types, in order.
pub(crate) fn fields(world: &World<'_>, functions: &[Named<'_>]) -> FxHashMap<SmolStr, Vec<(SmolStr, Ts)>> {
    let mut all: FxHashMap<SmolStr, Vec<(SmolStr, Ts)>> = FxHashMap::default();
    for named in functions {
        for (relation, ty) in named.fields(world) {
            all.entry(relation).or_default().push((named.name.clone(), ty));
        }
    }
    all
}

impl<'c> Overload<'c> {
    /// Of a function that the API can call.
    fn of(world: &World<'_>, function: &'c Function) -> Option<Self> {
        let gives = gives(function);
        if gives.schema.is_empty() && matches!(&*gives.name, "trigger" | "event_trigger") {
            return None;
        }
        // The server keeps only which of the inputs, counted from the last, have defaults, and the API counts from the first of
        // all parameters.
        let inputs: Vec<&Param> = function.params.iter().filter(|param| param.mode != "out").collect();
        let defaults: Vec<bool> = inputs.iter().map(|param| param.default.is_some()).collect();
        let places = function.params.iter().enumerate().filter(|(_, param)| param.mode != "out");
        let input =
            |(at, param): (usize, &'c Param)| Input { param, default: defaults.get(at).copied().unwrap_or(false) };
        let inputs: Vec<Input<'c>> = places.map(input).collect();
        let overload = Self { function, inputs, listed: listed(function, true), gives };
        overload.is_callable(world).then_some(overload)
    }

    /// By names alone, or with one argument without a name that the request's body is, or a row.
    fn is_callable(&self, world: &World<'_>) -> bool {
        let is_body = |input: &Input<'_>| {
            let format = Format::of(&input.param.ty);
            let is_json = specc_facts::family(&format.name) == specc_facts::Family::Json;
            format.schema == "pg_catalog" && (is_json || format.name == "text")
        };
        let named = |input: &Input<'_>| !input.param.name.is_empty();
        self.inputs.iter().all(|input| named(input) || input.default && is_body(input))
            || matches!(&self.inputs[..], [only] if is_body(only) || is_row(world, &only.param.ty))
    }

    fn only(&self) -> Option<&Input<'c>> {
        match &self.inputs[..] {
            [only] => Some(only),
            _ => None,
        }
    }

    fn is_set(&self) -> bool {
        matches!(self.function.returns, Some(Returns::SetOf(_) | Returns::Table(_)))
    }

    /// Whether more than one row is to be expected.
    fn is_many(&self) -> bool {
        let rows = self.function.rows.as_ref().map_or(Some(1000.0), |rows| rows.parse::<f64>().ok());
        self.is_set() && rows.is_some_and(|rows| rows > 1.0)
    }

    /// The relation that it is a field of.
    fn field_of(&self, world: &World<'_>) -> Option<SmolStr> {
        let ty = &self.only()?.param.ty;
        let relation =
            world.relation(&specc_catalog::TableName::new(&*ty.schema, &*ty.name)).filter(|_| ty.dims == 0)?;
        let hidden = relation.columns.iter().any(|column| column.name == self.function.name);
        (relation.name.schema == self.function.schema && !hidden).then(|| relation.name.name.clone())
    }
}

/// Whether a type has fields: that of a relation's row, or a composite one.
fn is_row(world: &World<'_>, ty: &DataType) -> bool {
    let is = |kind: &Kind| world.catalog.find(IdRef::new(*kind, &ty.schema, &ty.name)).is_some();
    ty.dims == 0 && !ty.schema.is_empty() && [Kind::Table, Kind::View, Kind::Composite].iter().any(is)
}

/// What a function gives, as one type.
pub(crate) fn gives(function: &Function) -> DataType {
    let outs: Vec<&Param> = function.params.iter().filter(|p| matches!(&*p.mode, "out" | "inout")).collect();
    match (&function.returns, &outs[..]) {
        (Some(Returns::Type(ty) | Returns::SetOf(ty)), _) => ty.clone(),
        (Some(Returns::Table(columns)), _) => match &columns[..] {
            [(_, ty)] => ty.clone(),
            _ => DataType::builtin("record"),
        },
        (None, [only]) => only.ty.clone(),
        (None, _) => DataType::builtin("record"),
    }
}

/// A type as the server spells it while `public` is on its path.
fn spelled(ty: &DataType) -> String {
    let name = match ty.schema.as_str() {
        "" => specc_facts::server_spelling(&ty.name).to_owned(),
        "public" => quote::ident(&ty.name).to_string(),
        schema => quote::qualified(schema, &ty.name).to_string(),
    };
    if ty.dims > 0 { format!("{name}[]") } else { name }
}

/// The parameters as the server lists them, which is what overloads are ordered by; without their defaults they tell overloads apart.
pub(crate) fn listed(function: &Function, defaults: bool) -> String {
    let one = |param: &Param| {
        let mode = match param.mode.as_str() {
            "in" => "",
            "out" => "OUT ",
            "inout" => "INOUT ",
            _ => "VARIADIC ",
        };
        let name = if param.name.is_empty() { String::new() } else { format!("{} ", quote::ident(&param.name)) };
        let default = param
            .default
            .as_ref()
            .filter(|_| defaults)
            .map(|default| format!(" DEFAULT {}", default.text))
            .unwrap_or_default();
        format!("{mode}{name}{}{default}", spelled(&param.ty))
    };
    function.params.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// What it gives, as the server writes it.
pub(crate) fn result(function: &Function, gives: &DataType) -> String {
    match &function.returns {
        Some(Returns::SetOf(_)) => format!("SETOF {}", spelled(gives)),
        Some(Returns::Table(columns)) => {
            let column = |(name, ty): &(SmolStr, DataType)| format!("{} {}", quote::ident(name), spelled(ty));
            format!("TABLE({})", columns.iter().map(column).collect::<Vec<_>>().join(", "))
        }
        _ => spelled(gives),
    }
}

impl Named<'_> {
    /// The type in `Functions`.
    pub(crate) fn signature(&self, world: &World<'_>, schema: &str) -> Ts {
        let mut all: Vec<Ts> = self.overloads.iter().map(|overload| self.one(world, schema, overload)).collect();
        match all.len() {
            1 => all.remove(0),
            _ => Ts::Union(all),
        }
    }

    fn one(&self, world: &World<'_>, schema: &str, overload: &Overload<'_>) -> Ts {
        let mut inputs: Vec<&Input<'_>> = overload.inputs.iter().collect();
        inputs.sort_by(|a, b| compare(&a.param.name, &b.param.name));
        let arg = |input: &&Input<'_>| {
            Field::optional(&input.param.name, input.default, argument(world, &input.param.name, &input.param.ty))
        };
        let args = match inputs.is_empty() {
            true => Ts::word("Record<PropertyKey, never>"),
            false => Ts::flat(inputs.iter().map(arg).collect()),
        };
        let options = options(world, overload);
        let error = self.error(world, overload);
        let one_row = options.as_ref().is_some_and(|(one, _)| *one);
        let returns = match error {
            Some(message) => {
                let error = Ts::flat(vec![Field::new("error", Ts::word("true"))]);
                Ts::Both(Box::new(error), Box::new(Ts::Text(message)))
            }
            None => {
                let ty = returned(world, schema, overload);
                if overload.is_set() && !one_row { ty.list() } else { ty }
            }
        };
        let mut fields = vec![Field::new("Args", args), Field::new("Returns", returns)];
        fields.extend(options.map(|(_, options)| Field::new("SetofOptions", options)));
        Ts::flat(fields)
    }

    /// Why the API cannot call it, if it cannot.
    fn error(&self, world: &World<'_>, overload: &Overload<'_>) -> Option<String> {
        let Function { schema, name, .. } = overload.function;
        let others = || self.overloads.iter().filter(|other| !std::ptr::eq(other.function, overload.function));
        const ADVICE: &str = "Try renaming the parameters or the function itself in the database so function overloading can be resolved";
        if overload.inputs.is_empty() {
            let empty =
                |other: &&Overload<'_>| other.only().is_some_and(|only| only.param.name.is_empty() && only.default);
            if let Some(other) = others().find(empty) {
                let given = Format::of(&other.gives).name;
                return Some(format!(
                    "Could not choose the best candidate function between: {schema}.{name}(), {schema}.{name}( => {given}). {ADVICE}"
                ));
            }
        }
        let only = overload.only()?;
        if only.param.name.is_empty() {
            return is_row(world, &only.param.ty).then(|| {
                format!(
                    "the function {schema}.{name} with parameter or with a single unnamed json/jsonb parameter, but no matches were found in the schema cache"
                )
            });
        }
        let same = |other: &&Overload<'_>| {
            other.only().is_some_and(|other| {
                other.param.name == only.param.name && Format::of(&other.param.ty) != Format::of(&only.param.ty)
            })
        };
        let mut all: Vec<&Param> =
            others().filter(same).filter_map(|other| other.only().map(|only| only.param)).collect();
        if all.is_empty() {
            return None;
        }
        all.insert(0, only.param);
        all.sort_by(|a, b| by_age(world, &a.ty, &b.ty));
        let candidate = |param: &&Param| format!("{schema}.{name}({} => {})", param.name, Format::of(&param.ty).name);
        let candidates = all.iter().map(candidate).collect::<Vec<_>>().join(", ");
        Some(format!("Could not choose the best candidate function between: {candidates}. {ADVICE}"))
    }

    /// The relations of whose rows it is a field, each with the field's type: that of the first overload for it.
    fn fields(&self, world: &World<'_>) -> Vec<(SmolStr, Ts)> {
        let mut all: Vec<(SmolStr, Ts)> = Vec::new();
        for overload in &self.overloads {
            if let Some(relation) = overload.field_of(world).filter(|name| all.iter().all(|(known, _)| known != name)) {
                all.push((relation, nullable(returned(world, &overload.function.schema, overload), true)));
            }
        }
        all
    }
}

/// Which of two types the server has known for longer, as it numbers them.
fn by_age(world: &World<'_>, a: &DataType, b: &DataType) -> Ordering {
    let age = |ty: &DataType| {
        if ty.schema.is_empty() {
            return (0, specc_facts::type_number(&ty.name, ty.dims > 0).unwrap_or(u32::MAX) as usize);
        }
        let kinds = [Kind::Enum, Kind::Domain, Kind::Composite, Kind::Table, Kind::View];
        let place = kinds.iter().find_map(|kind| world.catalog.find(IdRef::new(*kind, &ty.schema, &ty.name)));
        (1, place.unwrap_or(usize::MAX))
    };
    age(a).cmp(&age(b))
}

/// The type of an argument: of a row, without the fields that are functions themselves.
fn argument(world: &World<'_>, name: &str, ty: &DataType) -> Ts {
    let format = Format::of(ty);
    let found = type_of(world, &format);
    let Some(row) = row(world, &format).filter(|_| !name.is_empty()) else { return found };
    if found != Ts::word(format!("{row}[\"Row\"]")) {
        return found;
    }
    Ts::Of("Omit", vec![found, Ts::word(format!("{row}[\"ComputedFields\"]"))])
}

/// What one call gives, or one row of it.
fn returned(world: &World<'_>, schema: &str, overload: &Overload<'_>) -> Ts {
    if let Some(Returns::Table(columns)) = &overload.function.returns {
        let mut columns: Vec<&(SmolStr, DataType)> = columns.iter().collect();
        columns.sort_by(|a, b| compare(&a.0, &b.0));
        return Ts::tall(columns.iter().map(|(name, ty)| Field::new(name, type_of(world, &Format::of(ty)))).collect());
    }
    let ty = &overload.gives;
    let relation = world.relation(&specc_catalog::TableName::new(&*ty.schema, &*ty.name)).filter(|_| ty.dims == 0);
    match relation.filter(|relation| relation.name.schema == schema) {
        Some(relation) => Ts::tall(
            relation
                .columns
                .iter()
                .map(|column| Field::new(&column.name, nullable(of_column(world, column), column.nullable)))
                .collect(),
        ),
        None => type_of(world, &Format::of(ty)),
    }
}

/// Whether one row comes of it, and what the API's client knows of where it leads.
fn options(world: &World<'_>, overload: &Overload<'_>) -> Option<(bool, Ts)> {
    let ty = &overload.gives;
    if !is_row(world, ty) {
        return None;
    }
    let outs = overload.function.params.len() != overload.inputs.len();
    let columns = matches!(overload.function.returns, Some(Returns::Table(_)));
    let from = overload.only().filter(|only| !outs && !columns && is_row(world, &only.param.ty));
    let one = from.is_some() && !overload.is_set() || !overload.is_many();
    let from = from.map_or_else(|| SmolStr::new_static("*"), |only| format_smolstr!("{}", spelled(&only.param.ty)));
    let truth = |value: bool| Ts::word(if value { "true" } else { "false" });
    let fields = vec![
        Field::new("from", Ts::Text(from.to_string())),
        Field::new("to", Ts::Text(ty.name.to_string())),
        Field::new("isOneToOne", truth(one)),
        Field::new("isSetofReturn", truth(overload.is_set())),
    ];
    Some((one, Ts::tall(fields)))
}
