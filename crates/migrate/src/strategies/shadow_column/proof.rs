//! That the new columns hold what the old ones do when they take their place.

use super::Move;
use crate::action_graph::{Role, Slot};
use crate::place::NodeId;
use crate::planner::Builder;
use crate::schedule::Phase;
use crate::strategies::in_place::backfill::temporary_trigger_function;
use crate::strategies::in_place::table::{Chain, temporary_name};
use smol_str::format_smolstr;
use specc_catalog::{
    Body, Constraint, DataType, Function, Object, Param, Privilege, Returns, Rule, SqlExpr, Volatility,
};
use specc_sql::quote::{ident, qualified};
use specc_sql::{Access, Alter, Named, Privileges, Statement, has_equality};

impl<'d> Move<'_, 'd> {
    /// A check that both columns hold the same, from when the rows are filled until one takes the other's place. Who writes
    /// past the trigger, where somebody has switched it off, is refused from then on; what was written so before is filled
    /// in a second round. Gives what has to go before the old columns do, and the node after which all rows are known to
    /// be right.
    pub(super) fn prove(
        &self,
        builder: &mut Builder<'d, '_>,
        filled: NodeId,
        fill: Alter<'d>,
        settings: &[(&str, &str)],
    ) -> (Vec<&'d Object>, NodeId) {
        let table = &self.to.table;
        let name = temporary_name(&[&table.name, &self.columns[0].to.name, "same"]);
        let mut chain = Chain::after(Slot::New(self.new), filled);
        // What an author writes may read what no check may, other tables among it: its rows are filled again, no more.
        if self.columns.iter().any(|swap| builder.using(table, &swap.to.name).is_some()) {
            let again = builder.add(&mut chain, Role::After, Phase::Backfill, Statement::Alter(fill));
            return (Vec::new(), again);
        }
        let pairs: Vec<String> = self.columns.iter().map(|swap| ident(&swap.from.name).into_owned()).collect();
        let asides: Vec<String> =
            self.columns.iter().map(|swap| ident(&Self::aside(&swap.to.name)).into_owned()).collect();
        let mut made = Vec::new();
        let text = if settings.is_empty() {
            self.same(builder, &pairs, &asides)
        } else {
            // A check reads the session of who writes: a function has settings of its own.
            let function = builder.arena.object(self.comparison(builder, &name, settings));
            builder.add(&mut chain, Role::After, Phase::Main, Statement::Create(function));
            let execute = Privilege { name: "execute".into(), columns: Vec::new(), grantable: false };
            let privileges = Privileges::Some(builder.arena.privileges(vec![execute]));
            let access = Access { on: Named::Object(function), privileges, roles: vec!["public"] };
            builder.add(&mut chain, Role::After, Phase::Main, Statement::Grant(access));
            made.push(function);
            let given: Vec<String> = pairs.iter().zip(&asides).map(|(old, new)| format!("{old}, {new}")).collect();
            format!("{}({})", qualified(&table.schema, &name), given.join(", "))
        };
        let (check, constraint) = builder.arena.constraint(Constraint {
            table: table.clone(),
            name,
            rule: Rule::Check { expr: SqlExpr::new(text), no_inherit: false },
            deferrable: false,
            initially_deferred: false,
            not_valid: true,
        });
        made.insert(0, check);
        builder.add(&mut chain, Role::After, Phase::Main, Statement::Alter(Alter::AddNotValid(constraint)));
        builder.add(&mut chain, Role::After, Phase::Backfill, Statement::Alter(fill));
        let proven = builder.add(&mut chain, Role::After, Phase::Validate, Statement::Validate(constraint));
        (made, proven)
    }

    /// Whether each column holds what the old one does.
    fn same(&self, builder: &Builder<'d, '_>, old: &[String], new: &[String]) -> String {
        let one = |((swap, old), new): ((&super::ColumnSwap<'d>, &String), &String)| {
            let ty = swap.spelled();
            let text = if has_equality(&ty) { "" } else { "::text" };
            format!("{new}{text} is not distinct from {}{text}", builder.cast_of(old, &swap.from.ty, &ty))
        };
        self.columns.iter().zip(old).zip(new).map(one).collect::<Vec<_>>().join(" and ")
    }

    fn comparison(&self, builder: &Builder<'d, '_>, name: &str, settings: &[(&str, &str)]) -> Function {
        let numbers = |first: usize| (0..self.columns.len()).map(move |n| format!("${}", 2 * n + first)).collect();
        let (old, new): (Vec<String>, Vec<String>) = (numbers(1), numbers(2));
        let body = format!("\nselect {}\n", self.same(builder, &old, &new));
        let settings = settings.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        let param = |ty: DataType, at: usize| Param {
            name: format_smolstr!("value_{at}"),
            mode: "in".into(),
            ty,
            default: None,
        };
        let types = self.columns.iter().flat_map(|swap| [swap.from.ty.clone(), swap.spelled()]);
        Function {
            params: types.enumerate().map(|(at, ty)| param(ty, at + 1)).collect(),
            returns: Some(Returns::Type(DataType::builtin("boolean"))),
            language: "sql".into(),
            body: Body::Text(body.as_str().into()),
            volatility: Volatility::Stable,
            security_definer: false,
            ..temporary_trigger_function(&self.to.table.schema, &name.into(), String::new(), settings)
        }
    }
}
