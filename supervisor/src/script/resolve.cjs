// What a script given as text requires or imports is found as if it lay in the working directory.
'use strict';
const Module = require('module');
const { readFileSync } = require('fs');
const path = require('path');
const { pathToFileURL } = require('url');

const script = path.join(__dirname, 'script.js');
const cwd = process.cwd();
const there = path.join(cwd, 'script.js');
const stand = { id: there, filename: there, path: cwd, paths: Module._nodeModulePaths(cwd) };

const resolveFilename = Module._resolveFilename;
Module._resolveFilename = function (request, parent, ...rest) {
  const from = parent && parent.filename === script ? stand : parent;
  return resolveFilename.call(this, request, from, ...rest);
};

const [me, other] = [script, there].map((file) => pathToFileURL(file).href);
if (Module.registerHooks) {
  Module.registerHooks({
    resolve: (name, context, next) => next(name, context.parentURL === me ? { ...context, parentURL: other } : context),
  });
} else if (Module.register && /\bimport\b/.test(readFileSync(script, 'latin1'))) {
  const hook = `export const resolve = (name, context, next) => next(name, context.parentURL === ${JSON.stringify(me)}
    ? { ...context, parentURL: ${JSON.stringify(other)} } : context);`;
  Module.register('data:text/javascript,' + encodeURIComponent(hook));
}
