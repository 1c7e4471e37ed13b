// Written by `python -m web.gen.protocol` from the messages in Python; not edited by hand.

/** How the engine is; ``failed`` is not started again by itself. */
export type EngineLink = "starting" | "ready" | "restarting" | "failed";

/** What sound passes on its way from a player to a caster. */
export type Hop = "received" | "decrypted" | "decoded" | "mixed" | "sent" | "heard";

/** The language of everything shown; ``auto`` follows the system. */
export type Language = "auto" | "en" | "ja";

/** A bot's voice connection; ``kicked`` and ``stopped`` wait for a person. */
export type LinkState = "connecting" | "connected" | "recovering" | "kicked" | "stopped";

/** Where the match is; ``live`` locks updates and the one-way rule. */
export type MatchPhase = "idle" | "ready" | "live" | "break";

/** Where the session is; ``degraded`` runs with at least one bot that does not do its work. */
export type Phase = "idle" | "starting" | "running" | "degraded" | "stopping";

/** What a bot is for. */
export type Role = "source" | "destination";

/** Where tokens are kept; ``none`` until the user chose a passphrase where there is no keychain. */
export type SecretsKind = "keychain" | "vault" | "none";

/** How much noise is taken out of a talker's voice; more costs more delay (see docs/audio-path.md). */
export type Suppression = "off" | "standard" | "strong";

/** Light or dark; ``system`` follows the system. */
export type Theme = "system" | "light" | "dark";

/** What is known of a bot's token. */
export type TokenStanding = "missing" | "unchecked" | "good" | "invalid" | "unreachable";

/** One command from the page. */
export interface Call {
  type: "call";
  id: number;
  command: Command;
}

/** Start a session. ``strips`` are what is remembered of talkers, whether they are there yet or not. With ``kill`` nothing is heard until somebody ends that. ``restore`` is for bringing back the session of a lost engine: it is refused with not_running once anybody has started or stopped a session in this engine. */
export interface StartSession {
  type: "start_session";
  spec: SessionSpec;
  strips?: Readonly<Record<string, StripSpec>>;
  kill?: boolean;
  restore?: boolean;
}

/** What to relay; no routes means every source to every destination at 100 %. ``tick_ms`` 20, or 10 for a lower delay; ``loudness`` is what levelling brings every talker to. */
export interface SessionSpec {
  guild: string;
  sources: readonly SourceSpec[];
  destinations: readonly DestinationSpec[];
  routes: readonly RouteSpec[];
  tick_ms: 10 | 20;
  loudness: number;
}

/** A voice channel to listen to; ``bot`` names the token of the bot that sits there. */
export interface SourceSpec {
  channel: string;
  bot: string;
  name: string;
  gain: number;
  muted: boolean;
  equalizer: EqualizerSpec;
  pan: number;
}

/** Three bands; 0 dB each is no change. */
export interface EqualizerSpec {
  low_db: number;
  mid_db: number;
  high_db: number;
}

/** A voice channel to play into. What is heard there was said ``delay_s`` ago; while a priority talker speaks the others are ``duck_db`` lower. A ``monitor`` hears what is soloed as long as anything is, and the mix otherwise. */
export interface DestinationSpec {
  channel: string;
  bot: string;
  name: string;
  delay_s: number;
  duck_db: number;
  monitor: boolean;
}

/** Source to destination with a gain. */
export interface RouteSpec {
  source: string;
  destination: string;
  gain: number;
}

/** What is remembered of one user; left out fields are what everybody gets. ``levelling`` brings the voice to the session's loudness, ``high_pass`` takes out rumble, ``suppression`` noise. While a ``priority`` talker speaks, destinations that duck lower the others. */
export interface StripSpec {
  gain: number;
  muted: boolean;
  priority: boolean;
  suppression: Suppression;
  levelling: boolean;
  high_pass: boolean;
}

/** End the session: it falls silent, then the bots leave. Also without a session it ends the restoring of a lost engine's. */
export interface StopSession {
  type: "stop_session";
}

/** Set a present talker's gain, for now and for the next time. */
export interface SetTalkerGain {
  type: "set_talker_gain";
  user: string;
  gain: number;
}

/** Mute or unmute a present talker. */
export interface MuteTalker {
  type: "mute_talker";
  user: string;
  muted: boolean;
}

/** Take noise out of a present talker's voice, for now and for the next time. */
export interface SetTalkerSuppression {
  type: "set_talker_suppression";
  user: string;
  suppression: Suppression;
}

/** Bring a present talker to the session's loudness or not, for now and for the next time. */
export interface SetTalkerLevelling {
  type: "set_talker_levelling";
  user: string;
  levelling: boolean;
}

/** Take rumble out of a present talker's voice or not, for now and for the next time. */
export interface SetTalkerHighPass {
  type: "set_talker_high_pass";
  user: string;
  high_pass: boolean;
}

/** Have destinations that duck lower the others while this present talker speaks, for now and for the next time. */
export interface SetTalkerPriority {
  type: "set_talker_priority";
  user: string;
  priority: boolean;
}

/** Hear a present talker alone in the monitor destinations, until they leave; no_monitor if there are none. */
export interface SoloTalker {
  type: "solo_talker";
  user: string;
  solo: boolean;
}

/** Drop what the delay lines hold of a talker; who left is known as long as something may be held. */
export interface DumpTalker {
  type: "dump_talker";
  user: string;
}

/** Set a source's gain. */
export interface SetSourceGain {
  type: "set_source_gain";
  source: string;
  gain: number;
}

/** Mute or unmute a source. */
export interface MuteSource {
  type: "mute_source";
  source: string;
  muted: boolean;
}

/** Set a source's equalizer. */
export interface SetSourceEqualizer {
  type: "set_source_equalizer";
  source: string;
  equalizer: EqualizerSpec;
}

/** Place a source between left and right. */
export interface SetSourcePan {
  type: "set_source_pan";
  source: string;
  pan: number;
}

/** Hear a source alone in the monitor destinations; no_monitor if there are none. */
export interface SoloSource {
  type: "solo_source";
  source: string;
  solo: boolean;
}

/** Drop what the delay lines hold of a source's talkers. */
export interface DumpSource {
  type: "dump_source";
  source: string;
}

/** Set the gain of one route; 0.0 closes it. */
export interface SetRouteGain {
  type: "set_route_gain";
  source: string;
  destination: string;
  gain: number;
}

/** Set how long ago what a destination hears was said. Its line starts empty, so it is silent for that time. */
export interface SetDestinationDelay {
  type: "set_destination_delay";
  destination: string;
  delay_s: number;
}

/** Set by how much the others are lowered in a destination while a priority talker speaks; 0 is not at all. */
export interface SetDestinationDucking {
  type: "set_destination_ducking";
  destination: string;
  duck_db: number;
}

/** Let a destination hear what is soloed, or no longer. All solos end with the last monitor. */
export interface SetDestinationMonitor {
  type: "set_destination_monitor";
  destination: string;
  monitor: boolean;
}

/** Set what levelling brings every talker to. */
export interface SetLoudness {
  type: "set_loudness";
  loudness: number;
}

/** Silence every destination at once, or end that; also while a session starts or stops. */
export interface Kill {
  type: "kill";
  active: boolean;
}

/** Send a bot back to its channel after somebody kicked it. */
export interface RejoinBot {
  type: "rejoin_bot";
  bot: string;
}

/** Give a bot its token, new or instead of the one it had. A bot of the running session that lost its token logs in again with this one; the others are not touched. */
export interface SetToken {
  type: "set_token";
  bot: string;
  token: string;
}

/** Play a chirp into a destination and have another bot hear it there; answered by SoundCheckResult in some seconds. ``listener`` is a bot that is there for the moment: one that has a token and no place in the running session, or a source's, which comes back afterwards. Refused while the match is live. */
export interface SoundCheck {
  type: "sound_check";
  destination: string;
  listener: string;
}

/** Take the match one step on. */
export interface SetMatch {
  type: "set_match";
  phase: MatchPhase;
}

/** Ask for the whole state; the reply's payload is a Snapshot. */
export interface GetSnapshot {
  type: "get_snapshot";
}

/** Ask for Meters 25 times a second, or no more. */
export interface SubscribeMeters {
  type: "subscribe_meters";
  active: boolean;
}

/** Ask whether the engine's loop is alive; the reply's payload is a Pong. */
export interface Ping {
  type: "ping";
}

/** Ask the engine to end: the session is stopped, then the process. */
export interface Shutdown {
  type: "shutdown";
}

/** Replace the preferences. */
export interface SetPreferences {
  type: "set_preferences";
  preferences: Preferences;
}

/** What a person chose about the program itself. */
export interface Preferences {
  language: Language;
  theme: Theme;
  start_at_login: boolean;
  notifications: boolean;
  hotkeys: boolean;
}

/** Start the session of the set-up, everybody sounding as the last time. */
export interface Start {
  type: "start";
}

/** Run the whole program against the simulated Discord that comes with it; refused while a session runs. */
export interface StartRehearsal {
  type: "start_rehearsal";
}

/** End the rehearsal and go back to the real bots. */
export interface StopRehearsal {
  type: "stop_rehearsal";
}

/** End the program and with it the session; ``sure`` while the match is live, else it is refused (match_live). */
export interface QuitProgram {
  type: "quit_program";
  sure?: boolean;
}

/** Ask Discord whose token this is; answered by TokenCheck within a second, or a Failure. Nothing is kept. */
export interface CheckToken {
  type: "check_token";
  token: string;
}

/** Keep a bot's token, checked once more; also gives a running session's bot its new token. */
export interface SaveBot {
  type: "save_bot";
  bot: string;
  role: Role;
  token: string;
}

/** Forget a bot and its token; its places in the set-up go too. */
export interface RemoveBot {
  type: "remove_bot";
  bot: string;
}

/** Set a bot's name and picture on Discord (PATCH /users/@me and /applications/@me). */
export interface DressBot {
  type: "dress_bot";
  bot: string;
  name: string;
  picture?: boolean;
}

/** Ask which servers our bots are in; answered by Guilds. */
export interface FindGuilds {
  type: "find_guilds";
}

/** Ask for a server's voice channels; answered by Channels. */
export interface FindChannels {
  type: "find_channels";
  guild: string;
}

/** Keep the session that Start starts. */
export interface SaveSetup {
  type: "save_setup";
  setup: Setup;
}

/** The session that Start starts. */
export interface Setup {
  guild: string | null;
  guild_name: string;
  sources: readonly SourceSpec[];
  destinations: readonly DestinationSpec[];
  routes: readonly RouteSpec[];
}

/** Ask whether every bot may do its work in its channel; answered by PlaceChecks. */
export interface CheckPlaces {
  type: "check_places";
}

/** Open a step of the wizard; what was entered elsewhere stays. */
export interface WizardGo {
  type: "wizard_go";
  step: string;
}

/** Mark a step as done and open the next one. */
export interface WizardDone {
  type: "wizard_done";
  step: string;
}

/** Keep channels, routes, strips and names under a name; replaces one of that name. */
export interface SavePreset {
  type: "save_preset";
  name: string;
}

/** Take a preset as the set-up; refused while a session runs. */
export interface LoadPreset {
  type: "load_preset";
  name: string;
}

/** Forget a preset. */
export interface RemovePreset {
  type: "remove_preset";
  name: string;
}

/** Ask for the sessions so far; answered by History. */
export interface GetHistory {
  type: "get_history";
}

/** Ask what is inside; answered by About. */
export interface GetAbout {
  type: "get_about";
}

/** Open the passphrase vault, or make one where there is no keychain; also asks a locked keychain again. */
export interface UnlockSecrets {
  type: "unlock_secrets";
  passphrase?: string | null;
}

/** Take over the original application's file: tokens to the store, server and volumes to the settings. */
export interface ImportLegacy {
  type: "import_legacy";
}

/** Delete that file, once everything in it was taken over. */
export interface DeleteLegacy {
  type: "delete_legacy";
}

/** Ask for all bots, presets and names as one encrypted file; answered by Pack. */
export interface ExportPack {
  type: "export_pack";
  passphrase: string;
}

/** Take in a file that ExportPack made. */
export interface ImportPack {
  type: "import_pack";
  data: string;
  passphrase: string;
}

/** The command was carried out. */
export interface Answer {
  type: "answer";
  id: number;
  payload: TokenCheck | Guilds | Channels | PlaceChecks | History | About | Pack | Snapshot | Pong | SoundCheckResult | null;
}

/** Whose token it is; ``same_as`` names a bot of ours that has the same account. */
export interface TokenCheck {
  type: "token_check";
  user: string;
  application: string;
  name: string;
  same_as: string;
  public: boolean;
}

/** The servers that at least one of our bots is in, those with all of them first. */
export interface Guilds {
  type: "guilds";
  guilds: readonly GuildInfo[];
}

/** A server, and which of our bots are not in it yet. */
export interface GuildInfo {
  guild: string;
  name: string;
  absent: readonly string[];
}

/** A server's channels in Discord's order, and the places that are proposed for our bots. */
export interface Channels {
  type: "channels";
  guild: string;
  guild_name: string;
  channels: readonly ChannelInfo[];
  sources: readonly SourceSpec[];
  destinations: readonly DestinationSpec[];
}

/** A voice channel; ``proposed`` is what its name suggests, ``limit`` its user limit (0 = none). */
export interface ChannelInfo {
  channel: string;
  name: string;
  category: string;
  limit: number;
  stage: boolean;
  proposed: Role | null;
}

/** All places, sources first. */
export interface PlaceChecks {
  type: "place_checks";
  places: readonly PlaceCheck[];
}

/** One bot in its channel; no faults means all is well. It ``works`` if they are only worth knowing. */
export interface PlaceCheck {
  channel: string;
  name: string;
  bot: string;
  faults: readonly Fault[];
  works: boolean;
}

/** One thing that is wrong: its code, and what the code's sentence needs. */
export interface Fault {
  code: string;
  details: Readonly<Record<string, string>>;
}

/** The last sessions, newest first. */
export interface History {
  type: "history";
  sessions: readonly PastSession[];
}

/** One session: when (ms since the epoch; ``ended_ms`` ``None`` = now), where, and what was lost meanwhile. */
export interface PastSession {
  started_ms: number;
  ended_ms: number | null;
  guild_name: string;
  sources: readonly string[];
  destinations: readonly string[];
  outages: readonly OutageState[];
  restarts: number;
}

/** One loss of a voice connection: cause, what was done, and how it ended (``None`` = it goes on). */
export interface OutageState {
  bot: string;
  cause: string;
  started_ms: number;
  duration_ms: number | null;
  actions: readonly string[];
  recovered: boolean | null;
}

/** Version, licence, and what is inside. */
export interface About {
  type: "about";
  version: string;
  ingredients: readonly Ingredient[];
}

/** A library that comes with the program. */
export interface Ingredient {
  name: string;
  version: string;
  licence: string;
}

/** The file as base64. */
export interface Pack {
  type: "pack";
  data: string;
  file_name: string;
}

/** The whole state as of ``revision``. */
export interface Snapshot {
  type: "snapshot";
  revision: number;
  state: SessionState;
}

/** The whole truth about the session; ``outages`` are the last hundred. ``spec`` has every fader as it stands now: started again, it gives the same session. ``kill`` says that every destination is silent because somebody wanted it. */
export interface SessionState {
  phase: Phase;
  match: MatchPhase;
  kill: boolean;
  spec: SessionSpec | null;
  bots: readonly BotState[];
  talkers: readonly TalkerState[];
  sources: readonly SourceState[];
  destinations: readonly DestinationState[];
  outages: readonly OutageState[];
}

/** One bot; ``encryption`` is the DAVE version in use (0 = none), ``cause`` why it does not do its work. */
export interface BotState {
  bot: string;
  user: string;
  name: string;
  role: Role;
  channel: string;
  link: LinkState;
  encryption: number;
  cause: string | null;
}

/** One person who is in a source channel now; ``name`` is the server nickname, ``bot`` marks another's bot. ``solo`` ends when the person leaves. */
export interface TalkerState {
  user: string;
  name: string;
  source: string;
  strip: StripSpec;
  solo: boolean;
  bot: boolean;
}

/** What the spec does not say of a source. */
export interface SourceState {
  source: string;
  solo: boolean;
}

/** What the spec does not say of a destination. A delay line starts empty: a destination is silent up to ``silent_until_ms`` (``None`` = without a delay) after its delay was set. The meter's ``held_ms`` shows how it fills. */
export interface DestinationState {
  destination: string;
  silent_until_ms: number | null;
}

/** The engine's loop is alive. */
export interface Pong {
  type: "pong";
  uptime_ms: number;
}

/** What the listener heard of the chirp; ``encryption`` is the DAVE version (0 = none). ``hops`` are all six, in the chirp's order: mixed, sent, received, decrypted, decoded, heard. Latency is the median from the chirp's entry into the mix to its arrival at the listener, what the codec holds included; loss is that of its packets. ``level_db`` is the chirp's peak in dBFS: −20 as it was played, −120 if it was not heard. */
export interface SoundCheckResult {
  type: "sound_check_result";
  destination: string;
  hops: readonly HopCheck[];
  latency_ms: number;
  loss_percent: number;
  level_db: number;
  encryption: number;
}

/** Whether the chirp passed a hop, and if not, why. */
export interface HopCheck {
  hop: Hop;
  passed: boolean;
  fault: Fault | null;
}

/** The command was not carried out; every reason that was found, at least one. */
export interface Unanswered {
  type: "unanswered";
  id: number;
  faults: readonly Fault[];
}

/** Everything the tray knows; the engine's state is in its own events. ``shown`` is the language in force. */
export interface Desk {
  type: "desk";
  version: string;
  engine: EngineLink;
  engine_fault: Fault | null;
  restarts: number;
  rehearsing: boolean;
  shown: string;
  preferences: Preferences;
  secrets: SecretsInfo;
  bots: readonly BotInfo[];
  setup: Setup;
  presets: readonly string[];
  wizard: WizardInfo;
  legacy: LegacyInfo | null;
}

/** The token store: ``locked`` until it is opened; ``fault`` says why it can't be used. */
export interface SecretsInfo {
  kind: SecretsKind;
  locked: boolean;
  fault: Fault | null;
}

/** One bot of ours. ``user`` and ``application`` are Discord ids, empty while the token was never good. */
export interface BotInfo {
  bot: string;
  role: Role;
  standing: TokenStanding;
  user: string;
  application: string;
  name: string;
  invite: string;
}

/** Where the set-up stands: the step that is open, and those that are done; ``tray.wizard.steps`` names them. */
export interface WizardInfo {
  step: string;
  done: readonly string[];
}

/** A settings file of the original application: which bots, how many of their tokens look real, which volumes. */
export interface LegacyInfo {
  path: string;
  bots: readonly string[];
  tokens: number;
  guild: string;
  imported: boolean;
}

/** The fields of the state that changed since ``revision - 1``; fields left out are as before. */
export interface Changed {
  type: "changed";
  revision: number;
  phase?: Phase;
  match?: MatchPhase;
  kill?: boolean;
  spec?: SessionSpec | null;
  bots?: readonly BotState[];
  talkers?: readonly TalkerState[];
  sources?: readonly SourceState[];
  destinations?: readonly DestinationState[];
  outages?: readonly OutageState[];
}

/** Levels and counters at one moment; ``at_ms`` is Unix time. */
export interface Meters {
  type: "meters";
  at_ms: number;
  talkers: readonly TalkerMeter[];
  sources: readonly SourceMeter[];
  destinations: readonly DestinationMeter[];
  engine: EngineMeter;
}

/** One talker's signal after the strip, which adds ``levelling_db`` now; ``talk_ms`` is the talk since they came. Playout adds ``delay_ms`` and aims at ``target_ms`` because arrivals spread by ``jitter_ms``. Of the last 10 s of talk ``loss_percent`` of the packets never came in time, ``concealed_percent`` of the sound was made up, and ``quality`` percent is heard as it was said. ``counts`` say by name what became of the packets (late, …). */
export interface TalkerMeter {
  user: string;
  peak_db: number;
  loudness_lufs: number;
  levelling_db: number;
  talking: boolean;
  talk_ms: number;
  delay_ms: number;
  target_ms: number;
  jitter_ms: number;
  loss_percent: number;
  concealed_percent: number;
  quality: number;
  counts: Readonly<Record<string, number>>;
}

/** One source's bus, and its packets that passed each hop. */
export interface SourceMeter {
  source: string;
  peak_db: number;
  loudness_lufs: number;
  received: number;
  decrypted: number;
  decoded: number;
  mixed: number;
  drops: Readonly<Record<string, number>>;
}

/** One destination's mix and the packets sent into it. Now the limiter changes it by ``reduction_db`` and ducking the others by ``ducking_db`` (0 or less); the delay line holds ``held_ms``. */
export interface DestinationMeter {
  destination: string;
  peak_db: number;
  loudness_lufs: number;
  reduction_db: number;
  ducking_db: number;
  held_ms: number;
  sent: number;
  drops: Readonly<Record<string, number>>;
}

/** How well the machine keeps up. Residence is the time from a datagram's arrival to the send of the first datagram that holds one of its samples; lateness how much after its time a tick began. ``skipped`` counts ticks that a stall swallowed. */
export interface EngineMeter {
  ticks: number;
  skipped: number;
  residence_p50_ms: number;
  residence_p99_ms: number;
  lateness_p50_ms: number;
  lateness_p99_ms: number;
  drops: Readonly<Record<string, number>>;
}

export type EngineCommand =
  | StartSession
  | StopSession
  | SetTalkerGain
  | MuteTalker
  | SetTalkerSuppression
  | SetTalkerLevelling
  | SetTalkerHighPass
  | SetTalkerPriority
  | SoloTalker
  | DumpTalker
  | SetSourceGain
  | MuteSource
  | SetSourceEqualizer
  | SetSourcePan
  | SoloSource
  | DumpSource
  | SetRouteGain
  | SetDestinationDelay
  | SetDestinationDucking
  | SetDestinationMonitor
  | SetLoudness
  | Kill
  | RejoinBot
  | SetToken
  | SoundCheck
  | SetMatch
  | GetSnapshot
  | SubscribeMeters
  | Ping
  | Shutdown;

export type PanelCommand =
  | SetPreferences
  | Start
  | StartRehearsal
  | StopRehearsal
  | QuitProgram
  | CheckToken
  | SaveBot
  | RemoveBot
  | DressBot
  | FindGuilds
  | FindChannels
  | SaveSetup
  | CheckPlaces
  | WizardGo
  | WizardDone
  | SavePreset
  | LoadPreset
  | RemovePreset
  | GetHistory
  | GetAbout
  | UnlockSecrets
  | ImportLegacy
  | DeleteLegacy
  | ExportPack
  | ImportPack;

export type FromTray =
  | Answer
  | Unanswered
  | Desk
  | Snapshot
  | Changed
  | Meters;

export type Command = EngineCommand | PanelCommand;

export const RANGES = {"gain":{"lowest":0.0,"highest":2.0},"band_db":{"lowest":-12.0,"highest":12.0},"pan":{"lowest":-1.0,"highest":1.0},"delay_s":{"lowest":0.0,"highest":300.0},"duck_db":{"lowest":0.0,"highest":24.0},"loudness":{"lowest":-30.0,"highest":-14.0}} as const;
export const EQUALIZER_PRESETS = {"flat":{"low_db":0.0,"mid_db":0.0,"high_db":0.0},"clear_voice":{"low_db":-3.0,"mid_db":2.0,"high_db":3.0},"warm":{"low_db":3.0,"mid_db":0.0,"high_db":-2.0},"less_harsh":{"low_db":0.0,"mid_db":-2.0,"high_db":-4.0},"less_rumble":{"low_db":-9.0,"mid_db":0.0,"high_db":0.0}} as const;
export const SUPPRESSIONS = ["off","standard","strong"] as const;
export const LANGUAGES = ["auto","en","ja"] as const;
export const DEFAULT_LOUDNESS = -20.0 as const;
export const WIZARD_STEPS = ["welcome","vault","bots","invite","channels","check","sound","done"] as const;
export const LINKS = {"new_application":"https://discord.com/developers/applications?new_application=true","bot_page":"https://discord.com/developers/applications/select/bot"} as const;
