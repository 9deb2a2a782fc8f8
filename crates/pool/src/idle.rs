/// The connections that can be taken without asking deadpool, which takes four times as many
/// instructions. They are in use for all that deadpool knows.
///
/// While somebody waits for a connection, those that come back go to deadpool, which keeps the queue.
#[derive(Debug)]
pub(crate) struct Idle<T> {
    objects: Vec<T>,
    /// How many reasons there are to keep none: those who wait, that the pool is closed, and that it
    /// has become smaller.
    for_deadpool: usize,
    is_shrinking: bool,
}

impl<T> Idle<T> {
    pub(crate) const fn new() -> Self {
        Self {
            objects: Vec::new(),
            for_deadpool: 0,
            is_shrinking: false,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.objects.len()
    }

    /// Takes the connection that came back last.
    pub(crate) fn pop(&mut self) -> Option<T> {
        self.objects.pop()
    }

    /// Keeps a connection; gives it back if it is for deadpool.
    pub(crate) fn push(&mut self, object: T) -> Option<T> {
        if self.for_deadpool > 0 {
            return Some(object);
        }
        self.objects.push(object);
        None
    }

    /// Somebody is going to wait. What may be for him, `unfit` if it is something, is to be given to
    /// deadpool.
    pub(crate) fn begin_to_wait(&mut self, unfit: Option<T>) -> Option<T> {
        self.for_deadpool += 1;
        unfit.or_else(|| self.objects.pop())
    }

    pub(crate) const fn end_to_wait(&mut self) {
        self.for_deadpool -= 1;
    }

    /// Keeps nothing from now on, and says what has been kept.
    pub(crate) fn close(&mut self) -> Vec<T> {
        self.for_deadpool += 1;
        std::mem::take(&mut self.objects)
    }

    /// The pool has become smaller, so that deadpool is to say which connections are kept, or larger.
    /// Says what has been kept.
    pub(crate) fn resize(&mut self, is_shrinking: bool) -> Vec<T> {
        self.for_deadpool -= usize::from(self.is_shrinking);
        self.for_deadpool += usize::from(is_shrinking);
        self.is_shrinking = is_shrinking;
        std::mem::take(&mut self.objects)
    }

    /// Takes those out that are not to be kept.
    pub(crate) fn take_unless(&mut self, mut is_kept: impl FnMut(&T) -> bool) -> Vec<T> {
        self.objects
            .extract_if(.., |object| !is_kept(object))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: [u8; 0] = [];

    fn idle(objects: impl IntoIterator<Item = u8>) -> Idle<u8> {
        let mut idle = Idle::new();
        for object in objects {
            assert_eq!(idle.push(object), None);
        }
        idle
    }

    #[test]
    fn what_came_back_last_is_taken_first() {
        let mut idle = idle([1, 2]);
        assert_eq!(idle.len(), 2);
        assert_eq!(
            [idle.pop(), idle.pop(), idle.pop()],
            [Some(2), Some(1), None]
        );
        assert_eq!(idle.len(), 0);
    }

    #[test]
    fn nothing_is_kept_while_somebody_waits() {
        let mut idle = idle([]);
        assert_eq!(idle.begin_to_wait(None), None);
        assert_eq!(idle.begin_to_wait(None), None);
        assert_eq!(idle.push(1), Some(1));
        idle.end_to_wait();
        assert_eq!(idle.push(1), Some(1), "another one waits");
        idle.end_to_wait();
        assert_eq!(idle.push(1), None);
    }

    #[test]
    fn who_begins_to_wait_is_given_what_is_unfit_or_else_what_has_come_back() {
        let mut idle = idle([1, 2]);
        assert_eq!(idle.begin_to_wait(Some(3)), Some(3));
        assert_eq!(idle.len(), 2);
        assert_eq!(idle.begin_to_wait(None), Some(2));
        assert_eq!(idle.begin_to_wait(None), Some(1));
        assert_eq!(idle.begin_to_wait(None), None);
    }

    #[test]
    fn nothing_is_kept_when_it_was_closed_however_often_it_was_or_whoever_waits() {
        let mut idle = idle([1, 2]);
        assert_eq!(idle.begin_to_wait(Some(3)), Some(3));
        assert_eq!(idle.close(), [1, 2]);
        assert_eq!(idle.close(), NONE);
        idle.end_to_wait();
        assert_eq!(idle.push(1), Some(1));
        assert_eq!(idle.resize(true), NONE);
        assert_eq!(idle.resize(false), NONE);
        assert_eq!(idle.push(1), Some(1));
    }

    #[test]
    fn nothing_is_kept_while_there_are_too_many() {
        let mut idle = idle([1, 2]);
        assert_eq!(idle.resize(true), [1, 2]);
        assert_eq!(idle.push(1), Some(1));
        // It becomes smaller yet, and then larger.
        assert_eq!(idle.resize(true), NONE);
        assert_eq!(idle.push(1), Some(1));
        assert_eq!(idle.resize(false), NONE);
        assert_eq!(idle.push(1), None);
        assert_eq!(idle.resize(false), [1]);
        assert_eq!(idle.push(1), None);
        // Not even if nobody waits any more.
        assert_eq!(idle.begin_to_wait(Some(2)), Some(2));
        assert_eq!(idle.resize(true), [1]);
        idle.end_to_wait();
        assert_eq!(idle.push(1), Some(1));
    }

    #[test]
    fn those_are_taken_out_that_are_not_to_be_kept() {
        let mut idle = idle([1, 2, 3, 4]);
        assert_eq!(idle.take_unless(|object| object % 2 == 0), [1, 3]);
        assert_eq!(idle.len(), 2);
        assert_eq!(idle.pop(), Some(4));
    }
}
