//! Deployments as users run them: the program itself, in processes that can be killed, on a real Postgres. Takes 170 s.

mod api;
mod back;
mod faults;
mod requirements;
mod site;
mod stops;
mod workflow;
