//! Where a regular expression ends that stands between two signs, in scripts of `sed` and `awk`.

/// What follows the next of these signs; nothing where programs do not agree on which one that is.
pub(super) fn past(text: &[u8], sign: u8) -> Option<&[u8]> {
    let mut reader = Reader { left: text, sign };
    loop {
        match reader.next()? {
            b'\\' => drop(reader.next()?),
            b'[' => reader.brackets()?,
            byte if byte == sign => return Some(reader.left),
            _ => {}
        }
    }
}

struct Reader<'t> {
    left: &'t [u8],
    sign: u8,
}

impl Reader<'_> {
    fn next(&mut self) -> Option<u8> {
        let (first, left) = self.left.split_first()?;
        self.left = left;
        Some(*first)
    }

    fn skip_one(&mut self, byte: u8) {
        self.left = self.left.strip_prefix(&[byte]).unwrap_or(self.left);
    }

    /// Goes past `[…]`, in which a sign ends the expression for some and not for others; as for some a `]` behind
    /// a backslash ends it.
    fn brackets(&mut self) -> Option<()> {
        self.skip_one(b'^');
        self.skip_one(b']');
        let mut escaped = false;
        loop {
            match (self.next()?, self.left.first()) {
                (b'\\', Some(b']')) => {
                    self.next();
                    escaped = true;
                }
                (b'\\', Some(next)) if *next == self.sign || *next == b'\\' => drop(self.next()),
                (b'[', _) if escaped => return None,
                (b'[', Some(b':' | b'.' | b'=')) => self.class()?,
                (b']', _) => return Some(()),
                (byte, _) if byte == self.sign || byte == b'\n' => return None,
                _ => {}
            }
        }
    }

    /// `[:alpha:]` and its like, within brackets.
    fn class(&mut self) -> Option<()> {
        let end = [self.next()?, b']'];
        let length = self.left.windows(2).position(|both| both == end)?;
        let (name, left) = self.left.split_at(length);
        self.left = &left[2..];
        (!name.contains(&self.sign) && !name.contains(&b'\n')).then_some(())
    }
}
