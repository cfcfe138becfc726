import request from 'undici/lib/api/api-request.js';
import Dispatcher from 'undici/lib/dispatcher/dispatcher.js';

/**
 * Replaces undici in the bundle (see rolldown.config.js), with only the parts that the connectors use. undici's own main file
 * also loads fetch, WebSocket, caches and mocks, which is a quarter of the time that the destination takes to start.
 */
export { default as buildConnector } from 'undici/lib/core/connect.js';
export { default as errors } from 'undici/lib/core/errors.js';
export { default as Pool } from 'undici/lib/dispatcher/pool.js';

Object.assign(Dispatcher.prototype, { request });
