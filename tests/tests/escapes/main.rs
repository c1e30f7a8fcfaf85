//! Every known way out, tried on the built binary: one small test an attack, one file a promise.
//!
//! Each attack has a control that shows that the test can fail: the same thing done on the bare host to
//! decoys of the proof's own reaches them, or the same call reaches the kernel there. What could touch the
//! machine itself is called outside with arguments that the kernel rejects, and never otherwise.

mod attack;
mod coverage;
mod lessons;
mod marked;
mod p_c1;
mod p_c2;
mod p_c3;
mod p_c4;
mod p_d1;
mod p_d2;
mod p_e1;
mod p_e2;
mod p_e3;
mod p_e4;
mod p_f1;
mod p_f2;
mod p_f3;
mod p_f4;
mod p_f5;
mod p_f6;
mod p_f7;
mod p_f8;
mod p_f9;
mod p_h1;
mod p_h2;
mod p_i1;
mod p_i2;
mod p_l1;
mod p_l2;
mod p_l3;
mod p_l4;
mod p_l5;
mod p_l6;
mod p_l7;
mod p_n1;
mod p_n2;
mod p_n3;
mod p_n4;
mod p_n5;
mod p_p1;
mod p_p2;
mod p_p3;
mod p_p4;
mod p_p5;
mod p_s1;
mod p_s2;
mod p_s3;
mod p_s4;
mod p_s5;
mod p_s6;
mod p_s7;
mod p_t1;
mod p_t2;
mod p_u1;
mod p_w1;
mod p_w2;
mod p_w3;
mod p_w4;
mod p_w5;
mod p_w6;
mod p_w7;
