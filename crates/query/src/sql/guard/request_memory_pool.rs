//! The memory pool of one request: its own limit, and the limit of all requests together.

use std::fmt::{self, Display};
use std::num::NonZeroUsize;
use std::sync::Arc;

use datafusion::error::Result;
use datafusion::execution::memory_pool::{
    FairSpillPool, MemoryConsumer, MemoryLimit, MemoryPool, MemoryReservation, TrackConsumersPool,
};

/// How many of the greatest consumers an error names.
const CONSUMERS_NAMED: NonZeroUsize = NonZeroUsize::MIN.saturating_add(4);

/// Returns a pool of `bytes` whose errors name the greatest consumers.
pub(crate) fn create_pool(bytes: usize) -> Arc<dyn MemoryPool> {
    Arc::new(TrackConsumersPool::new(FairSpillPool::new(bytes), CONSUMERS_NAMED))
}

/// A pool of one request within the pool of all.
#[derive(Debug)]
pub(crate) struct RequestMemoryPool {
    own: Arc<dyn MemoryPool>,
    all: Arc<dyn MemoryPool>,
}

impl RequestMemoryPool {
    /// Returns a pool of at most `bytes` of `all`.
    pub(crate) fn new(bytes: usize, all: Arc<dyn MemoryPool>) -> Self {
        Self { own: create_pool(bytes), all }
    }
}

impl Display for RequestMemoryPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "share({})", self.own.name())
    }
}

impl MemoryPool for RequestMemoryPool {
    fn name(&self) -> &str {
        "share"
    }

    fn register(&self, consumer: &MemoryConsumer) {
        self.own.register(consumer);
        self.all.register(consumer);
    }

    fn unregister(&self, consumer: &MemoryConsumer) {
        self.own.unregister(consumer);
        self.all.unregister(consumer);
    }

    fn grow(&self, reservation: &MemoryReservation, additional: usize) {
        self.own.grow(reservation, additional);
        self.all.grow(reservation, additional);
    }

    fn shrink(&self, reservation: &MemoryReservation, shrink: usize) {
        self.own.shrink(reservation, shrink);
        self.all.shrink(reservation, shrink);
    }

    fn try_grow(&self, reservation: &MemoryReservation, additional: usize) -> Result<()> {
        self.own.try_grow(reservation, additional)?;
        self.all.try_grow(reservation, additional).inspect_err(|_| self.own.shrink(reservation, additional))
    }

    fn reserved(&self) -> usize {
        self.own.reserved()
    }

    fn memory_limit(&self) -> MemoryLimit {
        self.own.memory_limit()
    }
}
