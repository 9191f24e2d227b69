//! Questions that come together are answered together: while one batch is at work the next one gathers. Under load a
//! transaction or a call is shared by many; at rest nobody waits for company.

use std::{
    collections::VecDeque,
    fmt,
    panic::AssertUnwindSafe,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use futures_util::FutureExt;
use tokio::sync::oneshot;

use crate::error::Error;

type Answers<A> = Pin<Box<dyn Future<Output = Vec<A>> + Send>>;
type Run<Q, A> = Box<dyn Fn(Vec<Q>) -> Answers<A> + Send + Sync>;

/// How much is done together.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    /// Questions in one batch.
    pub most: usize,
    /// Batches at work at the same time: while one waits for the disk another one can think.
    pub at_once: usize,
}

/// Answers questions in batches. A clone shares the queue.
pub struct Batcher<Q, A>(Arc<Inner<Q, A>>);

struct Inner<Q, A> {
    what: &'static str,
    size: Size,
    run: Run<Q, A>,
    state: Mutex<State<Q, A>>,
}

struct State<Q, A> {
    waiting: VecDeque<(Q, oneshot::Sender<A>)>,
    at_work: usize,
}

impl<Q, A> Clone for Batcher<Q, A> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<Q, A> fmt::Debug for Batcher<Q, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Batcher").field(&self.0.what).finish()
    }
}

impl<Q: Send + 'static, A: Send + 'static> Batcher<Q, A> {
    /// `run` answers every question of a batch, in order. `what` names the work in errors: "accept reports".
    pub fn new<F>(what: &'static str, size: Size, run: impl Fn(Vec<Q>) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Vec<A>> + Send + 'static,
    {
        Self(Arc::new(Inner {
            what,
            size,
            run: Box::new(move |batch| Box::pin(run(batch))),
            state: Mutex::new(State {
                waiting: VecDeque::new(),
                at_work: 0,
            }),
        }))
    }

    /// The answer to this question. Who stops waiting does not stop the work.
    ///
    /// # Errors
    /// [`Error::Panicked`] when the batch did: a bug.
    pub async fn ask(&self, question: Q) -> Result<A, Error> {
        let (answer, answered) = oneshot::channel();
        if self.0.push(question, answer) {
            tokio::spawn(Arc::clone(&self.0).work());
        }
        answered.await.map_err(|_| Error::Panicked(self.0.what))
    }
}

impl<Q: Send, A: Send> Inner<Q, A> {
    fn state(&self) -> MutexGuard<'_, State<Q, A>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Queues a question; yes when another worker is to be started for it.
    fn push(&self, question: Q, answer: oneshot::Sender<A>) -> bool {
        let mut state = self.state();
        state.waiting.push_back((question, answer));
        let start = state.at_work < self.size.at_once;
        state.at_work += usize::from(start);
        start
    }

    /// The next batch; none ends the worker.
    fn next(&self) -> Option<(Vec<Q>, Vec<oneshot::Sender<A>>)> {
        let mut state = self.state();
        if state.waiting.is_empty() {
            state.at_work -= 1;
            return None;
        }
        let count = state.waiting.len().min(self.size.most);
        Some(state.waiting.drain(..count).unzip())
    }

    /// Works until nothing waits. A batch that panics leaves its questions without an answer, and the worker goes on.
    async fn work(self: Arc<Self>) {
        while let Some((questions, waiting)) = self.next() {
            let run = AssertUnwindSafe(async { (self.run)(questions).await });
            let Ok(answers) = run.catch_unwind().await else {
                continue;
            };
            for (answer, waiting) in answers.into_iter().zip(waiting) {
                // Whoever asked may have gone.
                let _ = waiting.send(answer);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::Semaphore;

    use super::*;

    const SIZE: Size = Size { most: 3, at_once: 1 };

    #[tokio::test]
    async fn what_gathers_while_a_batch_is_at_work_is_done_together_up_to_the_limit() {
        let gate = Arc::new(Semaphore::new(0));
        let sizes = Arc::new(Mutex::new(Vec::new()));
        let (pass, seen) = (gate.clone(), sizes.clone());
        let batcher = Batcher::new("double", SIZE, move |batch: Vec<u32>| {
            let (pass, seen) = (pass.clone(), seen.clone());
            async move {
                seen.lock().unwrap().push(batch.len());
                pass.acquire().await.unwrap().forget();
                batch.iter().map(|n| 2 * n).collect()
            }
        });
        let asked: Vec<_> = (0..5)
            .map(|n| {
                let batcher = batcher.clone();
                tokio::spawn(async move { batcher.ask(n).await.unwrap() })
            })
            .collect();
        while batcher.0.state().waiting.len() + sizes.lock().unwrap().iter().sum::<usize>() < 5 {
            tokio::task::yield_now().await;
        }
        gate.add_permits(5);
        for (n, asked) in (0..).zip(asked) {
            assert_eq!(asked.await.unwrap(), 2 * n);
        }
        let sizes = sizes.lock().unwrap().clone();
        assert_eq!(sizes.iter().sum::<usize>(), 5);
        assert!(sizes.iter().all(|size| *size <= 3), "{sizes:?}");
        assert!(sizes.len() < 5, "some were done together: {sizes:?}");
    }

    #[tokio::test]
    async fn a_batch_that_panics_is_an_error_and_the_next_one_works() {
        let batcher = Batcher::new("divide", SIZE, |batch: Vec<u32>| async move {
            batch.iter().map(|n| 12 / n).collect()
        });
        let error = batcher.ask(0).await.unwrap_err();
        assert!(matches!(error, Error::Panicked("divide")), "{error}");
        assert_eq!(batcher.ask(4).await.unwrap(), 3);
    }

    #[tokio::test]
    async fn who_stops_waiting_does_not_stop_the_work() {
        let done = Arc::new(Semaphore::new(0));
        let tell = done.clone();
        let batcher = Batcher::new("count", SIZE, move |batch: Vec<()>| {
            let tell = tell.clone();
            async move {
                tokio::task::yield_now().await;
                tell.add_permits(batch.len());
                batch
            }
        });
        let mut asked = Box::pin(batcher.ask(()));
        assert!(futures_util::poll!(&mut asked).is_pending());
        drop(asked);
        let _ = done.acquire().await.unwrap();
    }
}
