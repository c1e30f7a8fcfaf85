use super::*;

fn room() -> Arc<Room> {
    Room::new(&Arc::from(std::env::temp_dir()), 1 << 20)
}

fn store() -> Store {
    store_of(32 << 20, 32 << 20)
}

fn store_of(head: u64, tail: u64) -> Store {
    Store::new("s", "e", &Shelf::new(&room()), Output { head, tail })
}

/// All that a reader gets from the beginning on, and how many bytes it does not.
fn read(store: &Store) -> (Vec<u8>, u64, Vec<u64>) {
    let (mut cursor, mut told, mut dropped, mut seqs) = (Cursor::default(), Vec::new(), 0, Vec::new());
    loop {
        match store.next(&mut cursor) {
            Next::Output { seq, bytes, .. } => {
                told.extend(bytes);
                seqs.push(seq);
            }
            Next::Dropped { bytes, .. } => dropped += bytes.bytes(),
            Next::Told { seq, .. } => seqs.push(seq),
            Next::Wait | Next::End => return (told, dropped, seqs),
        }
    }
}

#[test]
fn what_is_said_is_read_in_order_from_memory_and_from_the_file() {
    let store = store();
    let pieces: Vec<Vec<u8>> = (0..100u8).map(|byte| vec![byte % 100; 1000]).collect();
    heard(&store, pieces.iter().map(|piece| &piece[..]));
    let (told, dropped, seqs) = read(&store);
    assert_eq!((told, dropped), (pieces.concat(), 0));
    assert_eq!(seqs, (1..=100).collect::<Vec<_>>());
}

/// Says pieces that somebody reads one by one.
fn heard<'a>(store: &Store, pieces: impl Iterator<Item = &'a [u8]>) {
    let mut cursor = store.after(store.last());
    for piece in pieces {
        store.output(StreamName::Stdout, piece);
        let Next::Output { bytes, .. } = store.next(&mut cursor) else { panic!("no output") };
        assert_eq!(bytes, piece);
    }
}

#[test]
fn who_writes_little_at_a_time_loses_nothing_of_what_fits() {
    for is_heard in [true, false] {
        // More than there were ever known one by one.
        let (store, pieces) = (store(), (0..200_000u32).map(|number| format!("{number}\n")));
        let pieces: Vec<String> = pieces.collect();
        if is_heard {
            heard(&store, pieces.iter().map(String::as_bytes));
        } else {
            pieces.iter().for_each(|piece| store.output(StreamName::Stdout, piece.as_bytes()));
        }
        store.end();
        let (told, dropped, seqs) = read(&store);
        assert_eq!((told == pieces.concat().as_bytes(), dropped), (true, 0));
        // What somebody has is not told again as something else.
        let events = if is_heard { 200_000 } else { told.len().div_ceil(60_000) as u64 };
        assert!(seqs.len() as u64 <= events && seqs.iter().copied().eq(1..=seqs.len() as u64));
    }
}

#[test]
fn what_nobody_has_read_grows_and_what_somebody_has_does_not() {
    let store = store();
    let say = |stream, piece: &str| store.output(stream, piece.as_bytes());
    say(StreamName::Stdout, "a");
    say(StreamName::Stdout, "b");
    let mut cursor = Cursor::default();
    let told = |cursor: &mut Cursor| match store.next(cursor) {
        Next::Output { seq, stream, bytes } => (seq, stream, String::from_utf8(bytes).expect("text")),
        _ => panic!("no output"),
    };
    assert_eq!(told(&mut cursor), (1, StreamName::Stdout, "ab".to_owned()));
    say(StreamName::Stdout, "c");
    // Who goes on from there says that it has it.
    store.after(2);
    say(StreamName::Stdout, "d");
    say(StreamName::Stderr, "e");
    say(StreamName::Stderr, "f");
    store.tell(Told::Denial(Value::Null));
    say(StreamName::Stderr, "g");
    assert_eq!(told(&mut cursor), (2, StreamName::Stdout, "c".to_owned()));
    assert_eq!(told(&mut cursor), (3, StreamName::Stdout, "d".to_owned()));
    assert_eq!(told(&mut cursor), (4, StreamName::Stderr, "ef".to_owned()));
    assert!(matches!(store.next(&mut cursor), Next::Told { seq: 5, .. }));
    assert_eq!(told(&mut cursor), (6, StreamName::Stderr, "g".to_owned()));
    assert!(matches!(store.next(&mut cursor), Next::Wait));
}

#[test]
fn head_and_tail_stay_and_what_is_dropped_between_is_counted() {
    let store = store();
    store.tell(Told::Started);
    let mut written = 0u64;
    let mut piece = vec![0u8; 60_000];
    for number in 0..2500u32 {
        piece[..4].copy_from_slice(&(number & 0x7f7f_7f7f).to_le_bytes());
        store.output(StreamName::Stdout, &piece);
        written += piece.len() as u64;
    }
    store.tell(Told::Exited(Json::of(&())));
    let (told, dropped, seqs) = read(&store);
    assert_eq!(told.len() as u64 + dropped, written);
    assert!(dropped > 0 && told.len() as u64 > 63 << 20, "{} kept", told.len());
    assert_eq!(told[..4], 0u32.to_le_bytes());
    assert_eq!(told[told.len() - 60_000..][..4], (2499u32 & 0x7f7f_7f7f).to_le_bytes());
    assert_eq!((seqs[0], *seqs.last().expect("an end")), (1, 2502));
}

#[test]
fn a_profile_says_how_much_of_each_end_is_kept() {
    for (head, tail) in [(1 << 20, 4 << 20), (4 << 20, 1 << 20)] {
        let store = store_of(head, tail);
        let piece = vec![b'x'; 50_000];
        (0..200).for_each(|_| store.output(StreamName::Stdout, &piece));
        store.tell(Told::Exited(Json::of(&())));
        let (told, dropped, seqs) = read(&store);
        assert_eq!(told.len() as u64 + dropped, 10_000_000);
        assert!((told.len() as u64).abs_diff(5 << 20) < 300_000, "{} kept", told.len());
        // The pieces of the beginning are numbered without a gap.
        let begun = seqs.windows(2).take_while(|two| two[0] + 1 == two[1]).count() as u64 + 1;
        assert!((begun * 50_000).abs_diff(head) < 150_000, "{begun} pieces");
    }
}

#[test]
fn who_goes_on_from_a_number_hears_that_no_byte_was_dropped_that_it_has() {
    let store = store_of(1 << 20, 1 << 20);
    (0..100).for_each(|_| store.output(StreamName::Stdout, &vec![b'x'; 50_000]));
    store.tell(Told::Exited(Json::of(&())));
    let (mut seq, mut read, mut dropped) = (0, 0, 0);
    loop {
        let mut cursor = store.after(seq);
        match store.next(&mut cursor) {
            Next::Output { bytes, .. } => read += bytes.len() as u64,
            Next::Dropped { bytes, .. } => dropped += bytes.bytes(),
            Next::Told { .. } => {}
            Next::Wait | Next::End => break,
        }
        seq = cursor.seq;
    }
    assert_eq!((read + dropped, seq), (5_000_000, 101));
    assert!(read > 1_800_000 && dropped > 0, "{read} read");
}

#[test]
fn who_reads_two_hundred_megabytes_in_steps_hears_of_each_byte_once() {
    // What one reader reads while so many pieces are said: more of them go by than are known of one by one.
    for (pieces, length, step) in [(3_300, 60_000, 700), (200_000, 1_000, 60_000), (200_000, 1_000, 199_999)]
    {
        let store = store_of(1 << 20, 1 << 20);
        let (mut seq, mut read, mut dropped, mut said) = (0, [0; 2], [0; 2], [0; 2]);
        let mut hear = |most: usize| {
            let mut cursor = store.after(seq);
            for _ in 0..most {
                match store.next(&mut cursor) {
                    Next::Output { stream, bytes, .. } => read[stream as usize] += bytes.len() as u64,
                    Next::Dropped { bytes, .. } => (0..2).for_each(|at| dropped[at] += bytes.each()[at]),
                    Next::Told { .. } => {}
                    Next::Wait | Next::End => break,
                }
            }
            store.leave(cursor);
            seq = cursor.seq;
        };
        let piece = vec![b'x'; length];
        for number in 1..=pieces {
            let stream = if number % 3 == 0 { StreamName::Stderr } else { StreamName::Stdout };
            let length = length - number % 7;
            store.output(stream, &piece[..length]);
            said[stream as usize] += length as u64;
            if number % step == 0 {
                hear(5);
            }
        }
        store.end();
        hear(usize::MAX);
        let sums = [read[0] + dropped[0], read[1] + dropped[1]];
        assert!(sums == said && dropped[0] > 100 << 20, "{read:?} read, {dropped:?} dropped, {said:?} said");
    }
}

#[test]
fn who_goes_on_after_any_event_that_is_gone_hears_how_much_is_gone_since() {
    let store = store_of(1 << 20, 1 << 20);
    heard(&store, std::iter::repeat_n(&[b'x'; 1000][..], 10_000));
    for seq in (0..10_000).step_by(37) {
        let (mut cursor, mut bytes) = (store.after(seq), 0);
        loop {
            match store.next(&mut cursor) {
                Next::Output { bytes: read, .. } => bytes += read.len() as u64,
                Next::Dropped { bytes: gone, .. } => bytes += gone.bytes(),
                Next::Told { .. } => {}
                Next::Wait | Next::End => break,
            }
        }
        assert_eq!(bytes, (10_000 - seq) * 1000, "after {seq}");
    }
}

#[test]
fn a_reader_that_keeps_up_gets_everything() {
    let (store, mut cursor, mut got) = (store(), Cursor::default(), 0);
    let piece = vec![b'x'; 64_000];
    for _ in 0..2000 {
        store.output(StreamName::Stderr, &piece);
        let Next::Output { bytes, .. } = store.next(&mut cursor) else { panic!("no output") };
        got += bytes.len();
    }
    assert_eq!(got, 2000 * 64_000);
}

#[test]
fn what_is_no_output_is_never_dropped() {
    let store = store();
    for _ in 0..40 {
        store.output(StreamName::Stdout, &vec![b'x'; 4 << 20]);
        store.tell(Told::Denial(Value::Null));
    }
    let (mut cursor, mut denials) = (Cursor::default(), 0);
    loop {
        match store.next(&mut cursor) {
            Next::Told { .. } => denials += 1,
            Next::Wait => break,
            _ => {}
        }
    }
    assert_eq!(denials, 40);
}

#[test]
fn a_character_waits_for_its_end_and_the_end_waits_for_nothing() {
    let store = store();
    store.output(StreamName::Stdout, b"a\xc3");
    store.output(StreamName::Stdout, b"\xa4b\xf0\x9f");
    assert_eq!(read(&store).0, "a\u{e4}b".as_bytes());
    store.end();
    assert_eq!(read(&store).0, b"a\xc3\xa4b\xf0\x9f");
}

#[test]
fn a_room_is_full_of_what_all_keep_on_disk_and_of_nothing_that_is_gone() {
    let (room, most) = (room(), Output { head: 32 << 20, tail: 32 << 20 });
    let of = |exec| Store::new("s", exec, &Shelf::new(&room), most);
    let (one, two) = (of("one"), of("two"));
    for store in [&one, &two] {
        assert!(room.check().is_ok());
        for _ in 0..10 {
            store.output(StreamName::Stdout, &[b'x'; 64 * 1024]);
        }
    }
    assert_eq!(room.check().expect_err("it is full").data.code, "CLR-SPOOL-FULL");
    drop(one);
    assert!(room.check().is_ok());
}

#[test]
fn what_all_execs_keep_is_counted_in_memory_and_on_disk_and_given_back() {
    let room = room();
    let shelf = Shelf::new(&room);
    let store = || Store::new("s", "e", &shelf, Output { head: 1 << 20, tail: 1 << 20 });
    let (short, long) = (store(), store());
    short.output(StreamName::Stdout, b"hello");
    (0..100).for_each(|_| long.output(StreamName::Stdout, &[b'x'; 50_000]));
    let kept = room.kept();
    assert_eq!((kept.memory, kept.all()), (5, 5 + long.size()));
    assert!(kept.disk > 1 << 20, "{kept:?}");
    drop((short, long));
    assert_eq!(room.kept().all(), 0);
}
