//! `specc types`

use crate::args::{Format, Lang, Types};
use crate::config::Config;
use crate::output;
use crate::pipeline;
use crate::project::Project;
use crate::report::{Failure, data, note};
use clap::ValueEnum as _;
use smol_str::SmolStr;
use specc_catalog::Catalog;
use specc_diag::{Sources, codes};
use specc_model::Target;
use specc_types::Options;
use std::path::Path;
use std::process::ExitCode;

/// Writes the types of the spec, or of a database, or says whether a file has them.
pub fn run(args: &Types, format: Format) -> Result<ExitCode, Failure> {
    let (catalog, around, mut options) = match args.sql.is_some() || args.connection.is_given() {
        true => {
            let (catalog, target) = super::pull::catalog(args.sql.as_deref(), args.target, &args.connection)?;
            (catalog, around(target), Options::default())
        }
        false => {
            let compilation = pipeline::compile(Project::open(&args.place.project)?, false)?;
            let around = specc_lower::external(&compilation.model);
            (compilation.catalog, around, asked(&compilation.config))
        }
    };
    if !args.schema.is_empty() {
        options.schemas = args.schema.iter().map(Into::into).collect();
    }
    options.strict |= args.strict;
    let what = What { lang: args.lang, role: args.role.clone().unwrap_or_default() };
    let types = made(&what, &catalog, &around, &options)?;
    for doubt in &types.doubts {
        note(&format!("warning: {doubt}"));
    }
    for beyond in &types.beyond {
        note(&format!("note: the database alone knows of {beyond}"));
    }
    if let Some(file) = &args.check {
        return check(file, &what, &types.text, format);
    }
    match &args.out {
        Some(file) => output::write_one(file, &types.text)?,
        None => data(types.text.trim_end()),
    }
    Ok(ExitCode::SUCCESS)
}

/// What is written.
pub struct What {
    /// In which language.
    pub lang: Lang,
    /// For which role; empty where the language does not ask.
    pub role: String,
}

impl What {
    /// A file of a language that asks for no role.
    pub fn of(lang: Lang) -> Self {
        Self { lang, role: String::new() }
    }

    /// The name of the file of a role: what is no letter, digit or sign of names is written as its bytes.
    pub fn file(&self) -> String {
        let one = |byte: u8| match byte {
            b if b.is_ascii_alphanumeric() || b"_-".contains(&b) => char::from(b).to_string(),
            b => format!("%{b:02x}"),
        };
        self.role.bytes().map(one).collect::<String>() + ".json"
    }
}

/// What a database for this target has besides what is its own.
fn around(target: Target) -> Catalog {
    let options = specc_model::Options { target, ..specc_model::Options::default() };
    specc_lower::external(&specc_model::analyze(Vec::new(), &mut Sources::new(), options).0)
}

/// What the settings ask for.
pub fn asked(config: &Config) -> Options {
    Options { schemas: config.types.schemas.iter().map(Into::into).collect(), strict: config.types.strict }
}

/// The types of a catalog.
///
/// # Errors
/// A schema or a role that is not there.
pub fn made(
    what: &What,
    catalog: &Catalog,
    around: &Catalog,
    options: &Options,
) -> Result<specc_types::Types, Failure> {
    let made = match what.lang {
        Lang::Typescript => specc_types::typescript(catalog, around, options),
        Lang::Zod => specc_types::zod(catalog, around, options),
        Lang::Rust => specc_types::rust(catalog, around, options),
        Lang::Metadata => specc_types::metadata(catalog, around, options),
        Lang::Openapi => {
            is_role(catalog, &what.role)?;
            specc_types::openapi(catalog, around, options, &what.role)
        }
    };
    made.map_err(|missing| {
        let schemas: Vec<&str> = catalog.iter().map(|(id, _)| id.schema.as_str()).collect();
        let near = specc_diag::nearest(&missing, schemas.into_iter().filter(|schema| !schema.is_empty()));
        let help = match near {
            Some(near) => format!("did you mean `{near}`?"),
            None => "name a schema that has tables, or none for `public`".to_owned(),
        };
        Failure::Refused(Some(codes::TYPES_SCHEMA), format!("there is no schema `{missing}`\n  help: {help}"))
    })
}

/// Refuses a role that nothing is known of.
fn is_role(catalog: &Catalog, role: &str) -> Result<(), Failure> {
    let roles = specc_types::roles(catalog);
    if roles.iter().any(|known| known == role) {
        return Ok(());
    }
    let help = match specc_diag::nearest(role, roles.iter().map(SmolStr::as_str)) {
        Some(near) => format!("did you mean `{near}`?"),
        None if roles.is_empty() => "nothing is granted to a role here".to_owned(),
        None => format!("it is one of {}", roles.iter().map(|role| format!("`{role}`")).collect::<Vec<_>>().join(", ")),
    };
    let text = format!("there is no role `{role}`, or nothing is granted to it\n  help: {help}");
    Err(Failure::Refused(Some(codes::TYPES_ROLE), text))
}

fn check(file: &Path, what: &What, text: &str, format: Format) -> Result<ExitCode, Failure> {
    let committed = std::fs::read_to_string(file)
        .map_err(|error| Failure::broken(format!("cannot read {}: {error}", file.display())))?;
    let Some(found) = specc_types::difference(&committed, text) else {
        if format == Format::Json {
            data(&serde_json::json!({ "differs": false }).to_string());
        } else {
            eprintln!("{} is as the schema says", file.display());
        }
        return Ok(ExitCode::SUCCESS);
    };
    let place = match found.path.is_empty() {
        true => String::new(),
        false => format!(" in `{}`", found.path.join(".")),
    };
    let (line, was) = found.line.unwrap_or_else(|| (committed.lines().count(), "the end of the file".to_owned()));
    let now = found.instead.unwrap_or_else(|| "the end of the file".to_owned());
    let name = what.lang.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default();
    let asked = match what.lang {
        Lang::Typescript => String::new(),
        Lang::Openapi => format!("--lang {name} --role {} ", what.role),
        _ => format!("--lang {name} "),
    };
    let text = format!(
        "{}:{line} is not what the schema says now{place}\n  there: {was}\n  now:   {now}\n  \
         help: write it anew: `specc types {asked}-o {}`",
        file.display(),
        file.display()
    );
    Err(Failure::Refused(Some(codes::TYPES_DIFFER), text))
}
