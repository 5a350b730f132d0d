//! A scratch database for tests, from a compiled spec.

use crate::args::OnScratch;
use crate::pipeline::Compilation;
use crate::report::Failure;
use specc_model::Target;
use specc_prove::Samples;
use specc_verify::{Ground, Limits, Made, ScratchError, Server};
use std::time::Duration;

/// A server that is there as long as it is needed, and its limits.
pub struct Place {
    server: Server,
    limits: Limits,
}

impl Place {
    /// The server that the arguments ask for.
    ///
    /// # Errors
    /// Where there is none.
    pub fn open(compilation: &Compilation, args: &OnScratch) -> Result<Self, Failure> {
        let server = super::server(args, compilation.model.options.target == Target::Supabase)?;
        Ok(Self { server, limits: Limits::of(Duration::from_secs_f64(args.timeout)) })
    }

    /// Does something in a new database of the spec, without rows, with values that its columns take.
    ///
    /// # Errors
    /// Where the database cannot be made, or it takes too long.
    pub fn within<T>(
        &self,
        compilation: &Compilation,
        act: impl FnOnce(&mut Ground, &Samples) -> Result<T, ScratchError>,
    ) -> Result<T, Failure> {
        let model = &compilation.model;
        let made = Made {
            catalog: &compilation.catalog,
            external: specc_trial::referred(model),
            roles: specc_prove::roles(model).iter().map(|role| role.name.to_string()).collect(),
        };
        let guard = self.server.limit(self.limits);
        let done = Ground::make(&self.server, &made).and_then(|mut ground| {
            let samples = specc_trial::samples_of(model, &ground.samples(&compilation.catalog)?);
            act(&mut ground, &samples)
        });
        match guard.exceeded() {
            Some(what) => Err(Failure::Refused(
                None,
                format!("{}\n  help: `--timeout SECONDS` allows more time", ScratchError::Exceeded(what)),
            )),
            None => done.map_err(|error| Failure::broken(error.to_string())),
        }
    }

    /// The server in words.
    pub fn name(&self) -> String {
        match &self.server {
            Server::Private(scratch) => format!("Postgres {}", scratch.major()),
            Server::Named(..) => "the server of --scratch-url".to_owned(),
        }
    }
}
