//! How often a default may give another value, by what the project declares.

use rustc_hash::FxHashMap;
use smol_str::SmolStr;
use specc_catalog::{Catalog, Object};
use specc_facts::Volatility;

/// The functions of a catalog and of its extensions.
#[derive(Debug, Default)]
pub(crate) struct Declared<'d> {
    /// By name, in which schema and how volatile.
    functions: FxHashMap<&'d str, Vec<(&'d str, Volatility)>>,
    /// Name and schema.
    extensions: Vec<(&'d SmolStr, &'d SmolStr)>,
}

impl<'d> Declared<'d> {
    pub(crate) fn new(catalog: &'d Catalog) -> Self {
        let mut declared = Self::default();
        for (_, entry) in catalog.iter() {
            match &entry.object {
                Object::Function(o) => {
                    declared.functions.entry(&o.name).or_default().push((&o.schema, o.volatility.into()));
                }
                Object::Extension(o) => declared.extensions.push((&o.name, &o.schema)),
                _ => {}
            }
        }
        declared
    }

    /// The worst of what may be meant by a name.
    fn find(&self, schema: Option<&str>, name: &str) -> Option<Volatility> {
        let here = |found: &str| schema.is_none_or(|schema| schema == found);
        let own = self.functions.get(name).into_iter().flatten();
        let own = own.filter(|(found, _)| here(found)).map(|(_, volatility)| *volatility);
        // Without a schema of its own, an extension goes where the path leads.
        let extensions = self.extensions.iter().filter(|(_, found)| found.is_empty() || here(found));
        own.chain(extensions.filter_map(|(extension, _)| specc_facts::extension_volatility(extension, name))).max()
    }

    /// Whether the expression gives the same for the same row, whoever asks.
    pub(crate) fn is_immutable(&self, text: &str) -> bool {
        !text.contains("::")
            && specc_sql::volatility(text, |schema, name| self.find(schema, name)) == Volatility::Immutable
    }

    /// The same, where what a cast reads of the session is set to one thing for everyone.
    pub(crate) fn is_fixed(&self, text: &str) -> bool {
        specc_sql::volatility(text, |schema, name| self.find(schema, name)) == Volatility::Immutable
    }

    /// Whether the expression may give each row a value of its own.
    pub(crate) fn is_volatile(&self, text: &str) -> bool {
        specc_sql::volatility(text, |schema, name| self.find(schema, name)) == Volatility::Volatile
    }
}
