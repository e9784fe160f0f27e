------------------------------ MODULE Protocol ------------------------------
(* One multipart upload of three parts: two clients, a user who aborts, OSS, its callback, and the sweep.

   Each action is one step that others can see: a request to OSS, or a transaction of the database, with the reads
   that follow it. Any call may be killed before any step. `tests/model/replay.py` runs the same steps in the real
   services, and compares.

   Damaged: the first part may arrive with other bytes than the file has. One of the clients tells the checksum.
   Time: a signature expires, and the upload expires, at any moment; then for ever.

   The second and the third part are alike, so the third arrives after the second. *)
EXTENDS Naturals, FiniteSets, TLC

CONSTANTS Callers,      \* of AllCallers, those that take part
          Calls,        \* how often each client calls complete, and the user abort
          Resends       \* how often a part that is there is replaced

Clients == {"one", "two"}
AllCallers == Clients \union {"callback", "sweep", "user"}
ASSUME Callers \subseteq AllCallers /\ "sweep" \in Callers
Vectors == [1..3 -> {"no", "good", "bad"}]
Nothing == [n \in 1..3 |-> "no"]
Full(v) == \A n \in 1..3 : v[n] # "no"

VARIABLES
  row,        \* its state
  expected,   \* what the object must be, as the claim recorded it: a vector of parts, Nothing, and whether a checksum
  told,       \* whether a client's checksum is recorded with it
  claimed,    \* whether somebody has ever had the right to complete
  released,   \* OSS holds nothing of the upload but the object of a completed one
  again,      \* the sweep is to look once more when all signatures have expired
  open, parts, object,   \* at OSS: the multipart upload, its parts, the object as the vector of its parts
  current,    \* whether the row is as a caller knows it: nobody else has moved it since
  signed,     \* whether a signature may still be used
  expired,    \* whether the upload is stale
  pc, state, seen, found, calls, resends, promised

vars == <<row, expected, told, claimed, released, again, current, open, parts, object, signed, expired, pc, state, seen, found,
          calls, resends, promised>>
database == <<row, expected, told, claimed, released, again>>
oss == <<open, parts, object>>
time == <<signed, expired>>
counts == <<calls, resends>>

Init ==
  /\ row = "uploading" /\ expected = Nothing /\ told = FALSE /\ claimed = FALSE /\ released = FALSE /\ again = FALSE
  /\ open = TRUE /\ parts = Nothing /\ object = Nothing
  /\ signed = TRUE /\ expired = FALSE
  /\ pc = [c \in Callers |-> "idle"] /\ state = [c \in Callers |-> "-"] /\ current = [c \in Callers |-> TRUE]
  /\ seen = [c \in Callers |-> Nothing] /\ found = [c \in Callers |-> "?"]
  /\ calls = [c \in Callers |-> IF c = "callback" THEN 1 ELSE Calls] /\ resends = Resends
  /\ promised = "-"

Goes(c, to) == pc' = [pc EXCEPT ![c] = to]
Keeps(c, s, v, f) == state' = [state EXCEPT ![c] = s] /\ seen' = [seen EXCEPT ![c] = v] /\ found' = [found EXCEPT ![c] = f]
Ends(c) == Goes(c, "idle") /\ Keeps(c, "-", Nothing, "?")

(* At these steps a caller reads the row, or moves it. *)
Reads(c) == \/ pc[c] \in {"idle", "claim", "finish", "reopen", "fail", "head stale"}
            \/ pc[c] = "head missing" /\ pc'[c] = "parts"
Noticed(c) == current' = [d \in Callers |->
  IF pc'[d] = "idle" \/ (d = c /\ Reads(c)) THEN TRUE ELSE current[d] /\ row' = row]
NothingNoticed == UNCHANGED current

Tells(s) == promised' = IF s \in {"completed", "aborted"} THEN s ELSE promised

(* What `decide` says of a row in state s, with the parts v that were listed (or "unknown"). *)
Begins(c, s) ==
  IF s \in {"uploading", "completing"}
  THEN /\ Goes(c, IF c = "callback" THEN "head first" ELSE "parts") /\ Keeps(c, s, Nothing, "?") /\ UNCHANGED promised
  ELSE /\ Ends(c) /\ IF c \in Clients THEN Tells(s) ELSE UNCHANGED promised

Reports(c) == c = "one"        \* this client tells the checksum when it asks to complete

------------------------------------------------------------------------------
(* complete *)

Complete(c) ==
  /\ pc[c] = "idle" /\ calls[c] > 0
  /\ calls' = [calls EXCEPT ![c] = @ - 1]
  /\ Begins(c, row)
  /\ UNCHANGED <<database, oss, time, resends>>

Callback ==
  /\ pc["callback"] = "idle" /\ calls["callback"] > 0 /\ object # Nothing
  /\ calls' = [calls EXCEPT !["callback"] = @ - 1]
  /\ Begins("callback", row)
  /\ UNCHANGED <<database, oss, time, resends>>

ListParts(c) ==
  /\ pc[c] = "parts"
  /\ IF ~open THEN Goes(c, "head gone") /\ Keeps(c, state[c], Nothing, "?")
     ELSE IF ~Full(parts) THEN Goes(c, "head missing") /\ Keeps(c, state[c], Nothing, "?")
     ELSE /\ Goes(c, IF state[c] = "uploading" THEN "claim" ELSE "complete") /\ Keeps(c, state[c], parts, "?")
  /\ UNCHANGED <<database, oss, time, counts, promised>>

IsExpected(v) == expected = v
Wrong(v) == expected # v \/ (told /\ \E n \in 1..3 : v[n] = "bad")

(* The object is there: claim it if nobody did, otherwise compare it with what was recorded. *)
Head(c) ==
  /\ pc[c] \in {"head first", "head gone", "head missing", "head lost"}
  /\ LET there == object # Nothing
         result == there /\ (state[c] = "uploading" \/ pc[c] = "head gone" \/ ~Wrong(object))
     IN IF result
        THEN /\ Keeps(c, state[c], object, "object")
             /\ Goes(c, IF state[c] = "uploading"
                        THEN IF pc[c] = "head gone" THEN "claim" ELSE "abort parts"
                        ELSE IF Wrong(object) THEN "fail" ELSE "finish")
             /\ UNCHANGED promised
        ELSE CASE pc[c] = "head first" -> Goes(c, "parts") /\ Keeps(c, state[c], Nothing, "?") /\ UNCHANGED promised
               [] pc[c] = "head gone" -> Goes(c, "fail") /\ Keeps(c, state[c], Nothing, "gone") /\ UNCHANGED promised
               [] pc[c] = "head missing" /\ state[c] = "completing" ->
                    Goes(c, "reopen") /\ Keeps(c, state[c], Nothing, "?") /\ UNCHANGED promised
               [] pc[c] = "head missing" /\ state[c] = "uploading" ->
                    IF row = state[c] THEN Ends(c) /\ UNCHANGED promised ELSE Begins(c, row)
               [] OTHER -> Ends(c) /\ UNCHANGED promised
  /\ UNCHANGED <<database, oss, time, counts>>

AbortParts(c) ==
  /\ pc[c] = "abort parts"
  /\ open' = FALSE /\ parts' = Nothing
  /\ Goes(c, "claim")
  /\ UNCHANGED <<database, object, time, counts, promised, state, seen, found>>

Claim(c) ==
  /\ pc[c] = "claim"
  /\ IF row = "uploading" /\ current[c]
     THEN /\ row' = "completing" /\ expected' = seen[c] /\ told' = (told \/ Reports(c)) /\ claimed' = TRUE
          /\ Keeps(c, "completing", seen[c], found[c])
          /\ Goes(c, IF found[c] # "object" THEN "complete"
                     ELSE IF (told \/ Reports(c)) /\ \E n \in 1..3 : seen[c][n] = "bad" THEN "fail" ELSE "finish")
          /\ UNCHANGED promised
     ELSE Begins(c, row) /\ UNCHANGED <<row, expected, told, claimed>>
  /\ UNCHANGED <<released, again, oss, time, counts>>

AskOss(c) ==
  /\ pc[c] = "complete"
  /\ IF ~open THEN /\ Goes(c, "head gone") /\ Keeps(c, state[c], Nothing, "?") /\ UNCHANGED <<oss, promised>>
     ELSE IF parts # seen[c]          \* OSS refuses a list with another part: InvalidPart.
     THEN /\ Goes(c, "reopen") /\ Keeps(c, state[c], Nothing, "?") /\ UNCHANGED <<oss, promised>>
     ELSE /\ open' = FALSE /\ parts' = Nothing /\ object' = seen[c]
          /\ \/ Goes(c, IF Wrong(seen[c]) THEN "fail" ELSE "finish") /\ Keeps(c, state[c], seen[c], "object")
             \/ Goes(c, "head lost") /\ Keeps(c, state[c], Nothing, "?")        \* The answer is lost.
          /\ UNCHANGED promised
  /\ UNCHANGED <<database, time, counts>>

AskOssInVain(c) ==          \* The request is lost on its way.
  /\ pc[c] = "complete"
  /\ Goes(c, "head lost") /\ Keeps(c, state[c], Nothing, "?")
  /\ UNCHANGED <<database, oss, time, counts, promised>>

Finish(c) ==
  /\ pc[c] = "finish"
  /\ IF row = "completing" /\ current[c]
     THEN /\ row' = "completed" /\ released' = TRUE
          /\ Ends(c) /\ IF c \in Clients THEN Tells("completed") ELSE UNCHANGED promised
     ELSE Begins(c, row) /\ UNCHANGED <<row, released>>
  /\ UNCHANGED <<expected, told, claimed, again, oss, time, counts>>

Reopen(c) ==          \* Then the caller is told what OSS refused, or which parts are missing.
  /\ pc[c] = "reopen"
  /\ IF row = "completing" /\ current[c]
     THEN row' = "uploading" /\ Ends(c) /\ UNCHANGED promised
     ELSE Begins(c, row) /\ UNCHANGED row
  /\ UNCHANGED <<expected, told, claimed, released, again, oss, time, counts>>

Fail(c) ==
  /\ pc[c] = "fail"
  /\ IF row \in {"uploading", "completing"} /\ current[c]
     THEN row' = "failed" /\ Goes(c, "drop") /\ Keeps(c, "failed", Nothing, "?") /\ UNCHANGED promised
     ELSE Begins(c, row) /\ UNCHANGED row
  /\ UNCHANGED <<expected, told, claimed, released, again, oss, time, counts>>

------------------------------------------------------------------------------
(* abort, and the release of what ended *)

Abort ==
  /\ pc["user"] = "idle" /\ calls["user"] > 0
  /\ calls' = [calls EXCEPT !["user"] = @ - 1]
  /\ IF row = "uploading" THEN Goes("user", "abort") /\ Keeps("user", row, Nothing, "?")
     ELSE IF row \in {"aborted", "failed"} /\ ~released THEN Goes("user", "drop") /\ Keeps("user", row, Nothing, "?")
     ELSE Ends("user")
  /\ UNCHANGED <<database, oss, time, resends, promised>>

(* What `seen` holds of an upload that OSS knew when it was dropped. Of another there may be an object: the database may
   be older than it. The sweep has looked for it before it aborts many. *)
WasOpen == [n \in 1..3 |-> "good"]

(* The sweep aborts many at once, and leaves to a second attempt, "alone", those that somebody has moved since. *)
MarkAborted(c) ==
  /\ pc[c] = "abort"
  /\ LET moved == c = "sweep" /\ found[c] # "alone" /\ (row # "uploading" \/ claimed)
     IN IF moved THEN UNCHANGED row /\ Goes(c, "head stale") /\ Keeps(c, row, Nothing, "alone")
        ELSE IF row = "uploading"
        THEN /\ row' = "aborted" /\ Goes(c, "drop")
             /\ Keeps(c, "aborted", IF c = "sweep" /\ found[c] # "alone" THEN WasOpen ELSE Nothing, found[c])
        ELSE /\ UNCHANGED row
             /\ IF row \in {"aborted", "failed"} /\ ~released THEN Goes(c, "drop") /\ Keeps(c, row, Nothing, "?")
                ELSE Ends(c)
  /\ UNCHANGED <<expected, told, claimed, released, again, oss, time, counts, promised>>

Drop(c) ==
  /\ pc[c] = "drop" /\ open' = FALSE /\ parts' = Nothing /\ Goes(c, "dropped")
  /\ Keeps(c, state[c], IF open THEN WasOpen ELSE seen[c],
           IF found[c] \in {"?", "alone"} THEN IF signed THEN "signed" ELSE "expired" ELSE found[c])
  /\ UNCHANGED <<database, object, time, counts, promised>>

CheckDropped(c) ==
  /\ pc[c] = "dropped"
  /\ Goes(c, IF open THEN "drop"
             ELSE IF state[c] = "failed" \/ claimed \/ seen[c] = Nothing THEN "delete" ELSE "record")
  /\ UNCHANGED <<database, oss, time, counts, promised, state, seen, found>>

Delete(c) ==
  /\ pc[c] = "delete" /\ object' = Nothing /\ Goes(c, "record")
  /\ UNCHANGED <<database, open, parts, time, counts, promised, state, seen, found>>

Record(c) ==
  /\ pc[c] = "record" /\ released' = TRUE /\ again' = (found[c] = "signed") /\ Ends(c)
  /\ IF c = "user" /\ state[c] = "aborted" THEN Tells("aborted") ELSE UNCHANGED promised
  /\ UNCHANGED <<row, expected, told, claimed, oss, time, counts>>

------------------------------------------------------------------------------
(* the sweep: one thing that is due at a time *)

Sweep ==
  /\ pc["sweep"] = "idle"
  /\ CASE row = "completing" -> Goes("sweep", "parts") /\ Keeps("sweep", row, Nothing, "?")
       [] row = "uploading" /\ expired -> 
            Goes("sweep", "head stale") /\ Keeps("sweep", row, Nothing, IF claimed THEN "alone" ELSE "?")
       [] row \in {"aborted", "failed"} /\ (~released \/ (again /\ ~signed)) ->
            Goes("sweep", "drop") /\ Keeps("sweep", row, Nothing, "?")
       [] OTHER -> FALSE
  /\ UNCHANGED <<database, oss, time, counts, promised>>

HeadStale ==
  /\ pc["sweep"] = "head stale"
  /\ LET alone == found["sweep"] = "alone"
     IN IF object # Nothing
        THEN IF ~alone THEN Goes("sweep", "head stale") /\ Keeps("sweep", row, Nothing, "alone")
             ELSE IF row \in {"uploading", "completing"} THEN Goes("sweep", "head first") /\ Keeps("sweep", row, Nothing, "?")
             ELSE Ends("sweep")
        ELSE IF alone /\ row # "uploading" THEN Ends("sweep")
        \* Without a live signature, and before anybody has claimed it, nothing is to be looked for later.
        ELSE /\ Goes("sweep", "abort")
             /\ Keeps("sweep", state["sweep"], Nothing, IF alone THEN "alone" ELSE IF signed THEN "?" ELSE "quiet")
  /\ UNCHANGED <<database, oss, time, counts, promised>>

------------------------------------------------------------------------------
(* the world *)

Send(n, v) ==
  /\ signed /\ open /\ parts[n] # v /\ (v = "bad" => n = 1) /\ (n = 3 => parts[2] # "no")
  /\ IF parts[n] = "no" THEN UNCHANGED resends ELSE resends > 0 /\ resends' = resends - 1
  /\ parts' = [parts EXCEPT ![n] = v]
  /\ UNCHANGED <<database, open, object, time, pc, state, seen, found, calls, promised>>

ArrivesLate ==          \* A part that was on its way when the upload was aborted.
  /\ signed /\ ~open /\ row = "aborted" /\ object = Nothing /\ resends > 0
  /\ resends' = resends - 1 /\ open' = TRUE
  /\ UNCHANGED <<database, parts, object, time, pc, state, seen, found, calls, promised>>

Lifecycle ==
  /\ open /\ open' = FALSE /\ parts' = Nothing
  /\ UNCHANGED <<database, object, time, counts, pc, state, seen, found, promised>>

SignaturesExpire ==
  /\ signed /\ signed' = FALSE
  /\ UNCHANGED <<database, oss, expired, counts, pc, state, seen, found, promised>>

Expire ==
  /\ ~expired /\ expired' = TRUE
  /\ UNCHANGED <<database, oss, signed, counts, pc, state, seen, found, promised>>

Crash(c) ==
  /\ pc[c] # "idle" /\ Ends(c)
  /\ IF c = "sweep" THEN resends > 0 /\ resends' = resends - 1 ELSE UNCHANGED resends
  /\ UNCHANGED <<database, oss, time, calls, promised>>

Acts(c) ==
  /\ \/ ListParts(c) \/ Head(c) \/ AbortParts(c) \/ Claim(c) \/ AskOss(c) \/ Finish(c) \/ Reopen(c)
     \/ Fail(c) \/ MarkAborted(c) \/ Drop(c) \/ CheckDropped(c) \/ Delete(c) \/ Record(c)
  /\ Noticed(c)

Sweeps == (Sweep \/ HeadStale) /\ Noticed("sweep")

World ==
  /\ \/ \E n \in 1..3, v \in {"good", "bad"} : Send(n, v)
     \/ ArrivesLate \/ Lifecycle \/ Expire
  /\ NothingNoticed

Next ==
  \/ \E c \in Callers : Acts(c) \/ (Crash(c) /\ Noticed(c))
  \/ \E c \in Clients \intersect Callers : (Complete(c) \/ AskOssInVain(c)) /\ Noticed(c)
  \/ "callback" \in Callers /\ Callback /\ Noticed("callback")
  \/ "user" \in Callers /\ Abort /\ Noticed("user")
  \/ Sweeps \/ World \/ (SignaturesExpire /\ NothingNoticed)

Fairness ==
  /\ WF_vars(SignaturesExpire /\ NothingNoticed) /\ WF_vars(Expire /\ NothingNoticed) /\ WF_vars(Sweeps)
  /\ \A c \in Callers : WF_vars(Acts(c))

Spec == Init /\ [][Next]_vars /\ Fairness

------------------------------------------------------------------------------
(* Random traces seldom complete anything: most abort, or ask before the parts are there. In these all parts arrive
   first, and neither the upload nor a call ends before the upload is claimed. *)
Undisturbed ==
  /\ open' /\ signed' /\ ~expired' /\ row' # "aborted"
  /\ IF Full(parts) THEN \A c \in Callers : pc[c] # "idle" => pc'[c] # "idle" ELSE pc' = pc
ClaimedFirst == Init /\ [][Next /\ (claimed \/ Undisturbed)]_vars

------------------------------------------------------------------------------
(* what must hold *)

Final == row \in {"completed", "aborted", "failed"}
IsGood == \A n \in 1..3 : object[n] = "good"

CompletedHasItsObject == row = "completed" => object # Nothing /\ object = expected /\ (told => IsGood)
PromisesAreKept == promised \in {"-", row}
NothingIsLeft == (row \in {"aborted", "failed"} /\ released /\ ~again /\ ~signed /\ pc = [c \in Callers |-> "idle"])
                 => ~open /\ object = Nothing
Safety == CompletedHasItsObject /\ PromisesAreKept /\ NothingIsLeft

AtRest == /\ \/ row = "completed" /\ object # Nothing
             \/ row \in {"aborted", "failed"} /\ released /\ ~again /\ object = Nothing
          /\ ~open
EveryRunEnds == <>[]AtRest
StatesFollow == [][row' = row \/ <<row, row'>> \in
  {<<"uploading", "completing">>, <<"completing", "completed">>, <<"completing", "uploading">>,
   <<"uploading", "aborted">>, <<"uploading", "failed">>, <<"completing", "failed">>}]_row
=============================================================================
