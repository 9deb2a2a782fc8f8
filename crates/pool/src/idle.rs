use crate::pooled_connection::Taken;

/// The connections that can be taken without asking deadpool, which takes four times as many
/// instructions. They are in use for all that deadpool knows.
///
/// While somebody waits for a connection, those that come back go to deadpool, which keeps the queue.
#[derive(Debug)]
pub(crate) struct Idle {
    objects: Vec<Taken>,
    /// How many reasons there are to keep none: those who wait, that the pool is closed, and that it
    /// has become smaller.
    for_deadpool: usize,
    is_closed: bool,
    is_shrinking: bool,
}

impl Idle {
    pub(crate) const fn new() -> Self {
        Self {
            objects: Vec::new(),
            for_deadpool: 0,
            is_closed: false,
            is_shrinking: false,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.objects.len()
    }

    /// Takes the connection that came back last.
    pub(crate) fn pop(&mut self) -> Option<Taken> {
        self.objects.pop()
    }

    /// Keeps a connection; gives it back if it is for deadpool.
    pub(crate) fn push(&mut self, object: Taken) -> Option<Taken> {
        if self.for_deadpool > 0 {
            return Some(object);
        }
        self.objects.push(object);
        None
    }

    /// Somebody is going to wait. What may be for him, `unfit` if it is something, is to be given to
    /// deadpool.
    pub(crate) fn begin_to_wait(&mut self, unfit: Option<Taken>) -> Option<Taken> {
        self.for_deadpool += 1;
        unfit.or_else(|| self.objects.pop())
    }

    pub(crate) const fn end_to_wait(&mut self) {
        self.for_deadpool -= 1;
    }

    /// Keeps nothing from now on, and says what has been kept.
    pub(crate) fn close(&mut self) -> Vec<Taken> {
        if !self.is_closed {
            self.is_closed = true;
            self.for_deadpool += 1;
        }
        std::mem::take(&mut self.objects)
    }

    /// The pool has become smaller, so that deadpool is to say which connections are kept, or larger.
    /// Says what has been kept.
    pub(crate) fn resize(&mut self, is_shrinking: bool) -> Vec<Taken> {
        self.for_deadpool -= usize::from(self.is_shrinking);
        self.for_deadpool += usize::from(is_shrinking);
        self.is_shrinking = is_shrinking;
        std::mem::take(&mut self.objects)
    }

    /// Takes those out that are not to be kept.
    pub(crate) fn take_unless(&mut self, mut is_kept: impl FnMut(&Taken) -> bool) -> Vec<Taken> {
        self.objects
            .extract_if(.., |object| !is_kept(object))
            .collect()
    }
}
