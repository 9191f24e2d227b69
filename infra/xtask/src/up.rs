//! `cargo xtask up`: a whole running Relight from a clone, with servers of its own.

mod build;
mod crews;
mod environment;
mod greeting;
mod lock;
mod output;
mod ports;
mod relight;
pub(crate) mod running;
mod servers;
mod sink;

use std::path::Path;
use std::time::Duration;

use anyhow::Result;

use crate::servers::install;
use crate::servers::place::Place;
use crate::servers::user::ServerUser;
use crate::stop::{Stop, Stopped};
use crate::workspace;
use build::Programs;
use crews::Crews;
use relight::{Relight, Running};
use running::Note;
use servers::{Given, Servers};
use sink::Sink;

/// As long as a Postgres may take to bring its data to disk.
const LEFTOVER_PATIENCE: Duration = Duration::from_secs(60);

/// Options of `up`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Throw the data of this clone away and start over.
    #[arg(long)]
    reset: bool,
    /// Port of the web address on 127.0.0.1 [default: 8080 if free, otherwise a free one]
    #[arg(long)]
    port: Option<u16>,
    /// Build with optimisations.
    #[arg(long)]
    release: bool,
    /// Load no demo town, move no crews: for data of your own.
    #[arg(long)]
    no_demo: bool,
}

/// Starts everything, waits for Ctrl-C, stops everything. Being asked to stop is how it ends well, at whatever point.
pub(crate) fn run(args: &Args) -> Result<()> {
    match up(args, &Stop::on_signals()?) {
        Err(error) if !error.is::<Stopped>() => Err(error),
        _ => {
            println!("stopped");
            Ok(())
        }
    }
}

fn up(args: &Args, stop: &Stop) -> Result<()> {
    let root = workspace::root()?;
    let given = Given::from_environment();
    if args.reset {
        given.refuse_reset()?;
    }
    let _lock = lock::take(&root.join(".relight"))?;
    install::missing(given.needs())?;
    let user = ServerUser::choose()?;
    let place = prepare_place(&root, &user, args.reset, stop)?;
    println!("building; the first time takes a few minutes");
    let programs = build::build(&root, args.release, stop)?;
    println!("starting the servers");
    let servers = Servers::start(&root, &place, &user, given, stop)?;
    let outcome = serve(&programs, &place, &servers, args, stop);
    servers.stop()?;
    outcome
}

fn prepare_place(root: &Path, user: &ServerUser, reset: bool, stop: &Stop) -> Result<Place> {
    let place = Place::choose(root, user);
    place.wait_for_leftover(LEFTOVER_PATIENCE, stop)?;
    if reset {
        place.remove()?;
        println!("removed the data of this clone");
    }
    place.make(user)?;
    if place.is_outside() {
        println!(
            "the servers' data is in {} (their user cannot reach this clone)",
            place.servers().display()
        );
    }
    Ok(place)
}

/// Fills the database where it is empty, runs `relight up` with what belongs around it, and waits for Ctrl-C.
fn serve(programs: &Programs, place: &Place, servers: &Servers, args: &Args, stop: &Stop) -> Result<()> {
    let state = place.state();
    // Whatever returns early below drops these from the last to the first, which is the order of stopping.
    let mut sink = Sink::start(&programs.sink, place, stop)?;
    let mut environment = servers.environment();
    ports::choose(args.port)?.set(&mut environment);
    if let Some(sink) = &sink {
        sink.set(&mut environment);
    }
    let mut relight = Relight::new(&programs.relight, state.clone(), environment);
    fill(&relight, args, stop)?;
    let mut running = relight.up(stop)?;
    relight.reached_at(&running);
    let note = Note::leave(&state, relight.binary(), relight.environment())?;
    let mut crews = Crews::start_unless(args.no_demo, &relight, &state)?;
    greet(&relight, &running, sink.as_ref(), args)?;
    stop.wait_until(|| {
        running.check()?;
        crews.as_mut().map_or(Ok(()), Crews::check)?;
        sink.as_mut().map_or(Ok(()), Sink::check)?;
        Ok(false)
    })?;
    crews.map_or(Ok(()), Crews::stop)?;
    drop(note);
    running.stop()?;
    sink.map_or(Ok(()), Sink::stop)
}

fn fill(relight: &Relight, args: &Args, stop: &Stop) -> Result<()> {
    relight.make_secrets(stop)?;
    println!("bringing the schemas up to date");
    relight.task(&["migrate"], stop)?;
    if args.no_demo {
        return Ok(());
    }
    println!("loading the demo town, where it is not there yet");
    relight.task(&["demo", "town"], stop)
}

fn greet(relight: &Relight, running: &Running, sink: Option<&Sink>, args: &Args) -> Result<()> {
    let logins = match args.no_demo {
        true => String::new(),
        false => greeting::logins(&relight.answer(&["demo", "logins", "--json"])?)?,
    };
    let messages = sink.map(Sink::messages);
    let places = greeting::places(
        running.http(),
        running.mobile(),
        messages,
        &relight.log(),
        !args.no_demo,
    );
    println!("ready http://{}\n{logins}{places}", running.http());
    Ok(())
}
